// The frame around the views: who is logged in, where one is, what each key does.

import * as api from "./api.js";
import { fill, h, icon, reveal } from "./dom.js";
import { showHelp } from "./help.js";
import * as keys from "./keys.js";
import { showLogin } from "./login.js";
import { complain, toasts } from "./toast.js";

// Views are loaded when first opened: review must be there at once.
const VIEWS = {
  review: { title: "Review", load: () => import("./review.js") },
  individuals: { title: "Individuals", load: () => import("./individuals.js") },
  individual: { title: "Individual", load: () => import("./individual.js"), under: "individuals" },
  photos: { title: "Photos in", load: () => import("./photosin.js") },
  jobs: { title: "Jobs", load: () => import("./jobs.js") },
  history: { title: "History", load: () => import("./history.js") },
};
const SHOWN = ["review", "individuals", "photos", "jobs", "history"];
const THEMES = ["auto", "light", "dark"];

class Desk {
  constructor() {
    this.session = null;
    this.summary = null;
    this.view = null;
    this.visit = 0;
    this.nav = h("nav", { class: "nav", "aria-label": "Views" });
    this.account = h("div", { class: "account" });
    this.main = h("main", { id: "main", tabindex: "-1" });
  }

  async start() {
    applyTheme();
    document.body.append(
      h("a", { class: "skip-link", href: "#main", onclick: (event) => { event.preventDefault(); this.main.focus(); } }, "Skip to content"),
      h("header", { class: "top" },
        h("a", { class: "brand", href: "#/review" }, h("img", { src: "icon.svg", alt: "", width: "24", height: "24" }), "resight"),
        this.nav, this.account),
      this.main, toasts());
    keys.listen();
    window.addEventListener("hashchange", () => this.open());
    window.addEventListener("resight-login", () => this.#login());
    await this.#begin();
  }

  async #begin() {
    try {
      this.session = await api.session();
    } catch (error) {
      fill(this.main, h("div", { class: "empty" }, h("h1", {}, "No answer"), h("p", {}, error.message),
        h("button", { class: "button button-main", onclick: () => this.#begin() }, "Try again")));
      return;
    }
    if (this.session.login_required && !this.session.user) return void this.#login();
    await this.open();
  }

  /** What the reader may do: reviewers decide, viewers look. */
  may(role) {
    const roles = ["viewer", "reviewer", "curator"];
    const own = this.session?.user?.role ?? (this.session?.login_required ? "viewer" : "curator");
    return roles.indexOf(own) >= roles.indexOf(role);
  }

  /** Ask anew how much there is to do, for the numbers beside the views' names. */
  async refresh() {
    try {
      this.summary = await api.get("/summary");
      this.#frame();
    } catch {
      // Only numbers in the navigation: the view itself reports what is wrong.
    }
  }

  /** Change the address without opening the view again. */
  remember(name, parameters = {}) {
    history.replaceState(null, "", hashOf(name, parameters));
  }

  go(name, parameters = {}) {
    location.hash = hashOf(name, parameters);
  }

  async open() {
    const { name, parameters } = where();
    const visit = ++this.visit;
    this.view?.leave?.();
    this.view = null;
    keys.understand(this.#keys()); // those of the view that was left would act unseen
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    this.#frame();
    this.refresh();
    document.title = `${VIEWS[name].title} · resight`;
    document.body.dataset.view = name;
    try {
      const module = await VIEWS[name].load();
      if (visit !== this.visit) return;
      const room = h("div", { class: "room" }); // its own, so that a view left while it loads draws nowhere
      fill(this.main, room);
      const view = await module.show(room, parameters, this.#asSeen(visit));
      if (visit !== this.visit) return void view.leave?.();
      this.view = view;
      keys.understand([...(view.keys ?? []), ...this.#keys()]);
    } catch (error) {
      if (visit !== this.visit || error.status === 401) return;
      fill(this.main, h("div", { class: "empty" }, h("h1", {}, "This did not work"), h("p", {}, error.message),
        h("button", { class: "button", onclick: () => this.open() }, "Try again")));
    }
  }

  /** The desk as a view has it: once left, it opens nothing and the address is another's. */
  #asSeen(visit) {
    const ifHere = (act) => (...about) => { if (visit === this.visit) act(...about); };
    const desk = this;
    return {
      get summary() { return desk.summary; },
      may: (role) => this.may(role),
      refresh: () => this.refresh(),
      go: ifHere((...to) => this.go(...to)),
      open: ifHere(() => this.open()),
      remember: ifHere((...what) => this.remember(...what)),
    };
  }

  #keys() {
    const letters = { review: "q", individuals: "i", photos: "p", jobs: "j", history: "h" };
    return [
      ...SHOWN.map((name) => ({ key: `Shift+${letters[name]}`, label: VIEWS[name].title, group: "Go to", run: () => this.go(name) })),
      { key: "?", also: ["Shift+?"], label: "This help", group: "Everywhere", run: () => showHelp() },
    ];
  }

  #frame() {
    const at = VIEWS[where().name].under ?? where().name;
    const counts = { review: this.summary?.unresolved, jobs: this.summary?.jobs || null };
    fill(this.nav, SHOWN.map((name) => h("a", { href: hashOf(name), "aria-current": name === at ? "page" : null },
      VIEWS[name].title,
      counts[name] !== null && counts[name] !== undefined ? h("span", { class: "badge" }, counts[name].toLocaleString("en")) : null)));
    reveal(this.nav, this.nav.querySelector("[aria-current]"));
    const user = this.session?.user;
    fill(this.account,
      h("button", { class: "icon-button", "aria-label": `Theme: ${theme()}. Change`, title: "Light, dark or as the system", onclick: () => { nextTheme(); this.#frame(); } }, icon("moon")),
      h("button", { class: "icon-button", "aria-label": "Help and keys", title: "Help and keys (?)", onclick: () => showHelp() }, "?"),
      user && this.session.login_required && h("button", { class: "button button-small", title: `${user.name}, ${user.role}`, onclick: () => this.#logout() }, `Log out ${user.name}`));
  }

  async #logout() {
    try {
      await api.logout();
    } catch (error) {
      return complain(error);
    }
    await this.#begin();
  }

  #login() {
    this.view?.leave?.();
    this.view = null;
    this.visit += 1;
    keys.understand([]);
    fill(this.nav);
    fill(this.account);
    showLogin(this.main, () => this.#begin());
  }
}

function where() {
  const [, name, query] = /^#\/(\w+)(?:\?(.*))?$/.exec(location.hash) ?? [];
  return { name: name in VIEWS ? name : "review", parameters: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

export function hashOf(name, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return `#/${name}${query ? `?${query}` : ""}`;
}

const theme = () => localStorage.getItem("resight.theme") ?? "auto";

function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

function nextTheme() {
  localStorage.setItem("resight.theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  applyTheme();
}

new Desk().start();
