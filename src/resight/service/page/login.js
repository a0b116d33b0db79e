// The login form: only where the server demands one.

import { login } from "./api.js";
import { fill, h } from "./dom.js";

export function showLogin(main, entered) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const name = h("input", { id: "login-name", name: "username", autocomplete: "username", required: true });
  const password = h("input", { id: "login-password", name: "password", type: "password", autocomplete: "current-password", required: true });
  const button = h("button", { class: "button button-main" }, "Log in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    wrong.textContent = "";
    try {
      await login(name.value, password.value);
      entered();
    } catch (error) {
      wrong.textContent = error.message;
      password.value = "";
      password.focus();
    } finally {
      button.disabled = false;
    }
  };
  document.title = "Log in · resight";
  document.body.dataset.view = "login";
  fill(main, h("form", { class: "login form", onsubmit: submit },
    h("h1", {}, "Log in"),
    h("label", { for: "login-name" }, "Name"), name,
    h("label", { for: "login-password" }, "Password"), password,
    wrong, button));
  name.focus();
}
