// What the server's names mean, as sentences for people.

import { counted, listed, titleOf } from "./titles.js";

const WHY_NOT_BETTER = {
  no_history: "you have not rated anything yet",
  nothing_liked: "there is nothing yet that you liked",
  no_vectors: "the films have no vectors yet",
  nothing_left: "nothing better is left",
  unknown_films: "the model knows none of the films you rated",
  no_recommender: "no model is set up",
  model_training: "the model is still being trained",
  model_unavailable: "no model is ready",
  unknown_model: "no model of that name is here",
  recommender_unavailable: "the recommender does not answer",
  embedding_unavailable: "the embedding service does not answer",
  vectors_of_another_model: "the films' vectors are of another model",
  no_meaning: "the model makes nothing of that text",
  deadline: "the model took too long",
};

const BASIS = {
  popular: "what many people watch and like",
  neighbours: "what is near to the films you liked",
  model: "what people with a history like yours watched next",
};

/** `who`: another than the reader. */
export function whyNotBetter(reason, who = "you") {
  const sentence = WHY_NOT_BETTER[reason] ?? reason.replaceAll("_", " ");
  return who === "you" ? sentence : sentence.replace("you have", `${who} has`).replace("you liked", `${who} liked`);
}

export const strategyName = (answer) =>
  (answer.strategy === "model" && answer.model ? answer.model : answer.strategy) ?? "popular";

/** Above a shelf: how it was ranked, and plainly why not better. */
export function rankedBy(answer, threshold) {
  const model = answer.strategy === "model" && answer.model ? ` by the model ${answer.model}` : "";
  const basis = `Ranked${model} by ${BASIS[answer.strategy] ?? answer.strategy}`.replace(/(model \S+) by/, "$1:");
  const rated = answer.history_length;
  if (answer.fallback_reason) return `${basis}, because ${whyNotBetter(answer.fallback_reason)}.`;
  if (answer.strategy === "neighbours" && rated > 0 && rated < threshold) {
    return `${basis}. From ${threshold} ratings on a trained model ranks; you have ${rated}.`;
  }
  return `${basis}.`;
}

/** Under a film: why it is there. */
export function because(film, answer) {
  const titles = (film.because ?? []).slice(0, 2).map(titleOf);
  if (titles.length) return `Because you liked ${listed(titles)}`;
  return { popular: "Many people like it", neighbours: "Near to what you liked", model: "Fits what you watch" }[answer.strategy] ?? "";
}

export const missing = (ids) =>
  ids.length ? `The catalogue does not know ${counted(ids.length, "id")}: ${ids.join(", ")}.` : "";
