// A film's title for reading: "Matrix, The (1999)" is "The Matrix", and the year stands by itself.

const YEAR = /\s*\((\d{4})(?:[-–]\d{0,4})?\)\s*$/;
const ALSO = /\s*\((?:a\.k\.a\.|aka)[^)]*\)/i;
const ARTICLE = /^(.+), (The|A|An|Le|La|Les|L'|Un|Une|Der|Die|Das|Ein|Eine|El|Los|Las|Il|Lo|I|Gli|O|Os|Det|Den|De|Het)(?=$| \()/;

export function titleOf(film) {
  const plain = (film.title ?? `Film ${film.id}`).replace(YEAR, "").replace(ALSO, "").trim();
  const turned = plain.replace(ARTICLE, (_, rest, article) => (article.endsWith("'") ? article + rest : `${article} ${rest}`));
  return turned || film.title || `Film ${film.id}`;
}

export const yearOf = (film) => film.year ?? Number(YEAR.exec(film.title ?? "")?.[1] ?? 0) ?? null;

const LABEL = new Intl.ListFormat("en", { type: "conjunction" });
export const listed = (words) => LABEL.format(words);

export const stars = (value) => (value === null || value === undefined ? "not rated" : `${value} of 5 stars`);
export const half = (value) => `${Math.floor(value) || (value ? "" : 0)}${value % 1 ? "½" : ""}`;
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
