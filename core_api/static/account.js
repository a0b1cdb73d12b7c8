// Who is here: a user name (no login), light or dark, and, where the operator has set keys, an API key.

import { button, byId, dialog, h } from "./dom.js";
import * as kept from "./kept.js";
import { importing } from "./mydata.js";
import { on, signIn, signOut, state } from "./state.js";

/** Names travel in addresses: a slash would end one there, and dots alone mean a folder. */
export const isName = (name) => name !== "" && !/[\u0000-\u001f\u007f/\\]|^\.+$/.test(name);

export function account() {
  const opener = byId("who");
  const show = () => {
    opener.replaceChildren(...(state.name
      ? [h("span", { class: "avatar", "aria-hidden": "true" }, state.name.slice(0, 1).toUpperCase()), h("span", { class: "who-name" }, state.name)]
      : ["Sign in"]));
    opener.setAttribute("aria-label", state.name ? `Signed in as ${state.name}` : "Sign in");
  };
  opener.addEventListener("click", () => (state.name ? signedIn() : signingIn()));
  on("user", show);
  show();
  theme(kept.read("theme", "system"));
}

function signingIn() {
  const input = h("input", { id: "user", maxlength: 128, required: true, autocomplete: "username", autofocus: true, input: () => input.setCustomValidity("") });
  const sheet = dialog("Sign in", h("form", { submit: (event) => {
    event.preventDefault();
    const name = input.value.trim();
    input.setCustomValidity(isName(name) ? "" : "A name has no slash in it, and more than dots.");
    if (!event.target.reportValidity()) return;
    sheet.close();
    signIn(name);
  } }, h("div", { class: "field" }, h("label", { for: "user" }, "User name"), input,
    h("p", { class: "hint" }, "Any name: it is no password, it only says whose ratings these are. In MovieLens, try 18.")),
  h("div", { class: "acts" }, h("button", { class: "button" }, "Sign in"))), themeChoice());
  input.focus();
}

function signedIn() {
  const sheet = dialog(state.name, h("div", { class: "acts column" },
    h("a", { class: "plain", href: "#/films", click: () => sheet.close() }, "Your films"),
    button("Import your history …", () => { sheet.close(); importing(); }, { class: "plain" }),
    kept.read("key", null) ? button("Forget the API key", () => { kept.write("key", null); sheet.close(); }, { class: "plain" }) : null,
    button("Sign out", () => { sheet.close(); signOut(); }, { class: "plain" })), themeChoice());
}

function themeChoice() {
  const now = kept.read("theme", "system");
  return h("fieldset", { class: "segments" }, h("legend", {}, "Appearance"), ...["system", "light", "dark"].map((name) => h("label", {},
    h("input", { type: "radio", name: "theme", value: name, checked: name === now, change: () => { kept.write("theme", name); theme(name); } }), h("span", {}, name))));
}

function theme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

/** Asks until there is a key: without one nothing here works. */
export function askForKey(wrong) {
  return new Promise((resolve) => {
    const input = h("input", { id: "key", type: "password", required: true, autocomplete: "off" });
    const sheet = dialog("An API key is needed", h("form", { submit: (event) => {
      event.preventDefault();
      const key = input.value.trim();
      if (!key) return;
      kept.write("key", key);
      sheet.removeEventListener("close", again);
      sheet.close();
      resolve(key);
    } }, wrong ? h("p", { class: "problem", role: "alert" }, "That key is not known here.") : null,
    h("div", { class: "field" }, h("label", { for: "key" }, "API key"), input, h("p", { class: "hint" }, "Whoever runs this Marquee has set keys. It is kept in this browser.")),
    h("div", { class: "acts" }, h("button", { class: "button" }, "Use this key"))));
    const again = () => resolve(null);
    sheet.addEventListener("close", again);
    input.focus();
  });
}
