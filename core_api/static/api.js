// The calls that the page makes. An answer that is no success becomes an Error with the server's own sentence.

async function call(path, options = {}) {
  const answer = await fetch(path, options);
  if (answer.status === 204) return null;
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || body.title || `The server answered ${answer.status}`);
  return body;
}

const user = (id) => `v1/users/${encodeURIComponent(id)}`;
const rating = (id, movie) => `${user(id)}/ratings/${encodeURIComponent(movie)}`;

export const search = (text) => call(`v1/movies?${new URLSearchParams({ q: text, k: 8 })}`);
export const recommendations = (id) => call(`${user(id)}/recommendations?k=12&explain=true`);
export const ratings = (id) => call(`${user(id)}/ratings?limit=30`);
export const info = () => call("v1/info");
export const unrate = (id, movie) => call(rating(id, movie), { method: "DELETE" });
export const rate = (id, movie, stars) =>
  call(rating(id, movie), {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ rating: stars }),
  });
