// Light, dark, or as the system says: kept in this browser. Runs before the page is painted, so that nothing flashes.
(() => {
  "use strict";
  const KEY = "infrafabric-theme";
  const CHOICES = ["system", "light", "dark"];
  const NAMES = { system: "as the system", light: "light", dark: "dark" };

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  let choice = CHOICES.includes(stored()) ? stored() : "system";

  const apply = () => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  };
  apply();
  document.documentElement.classList.add("js");

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const say = () => {
      const text = `Colours: ${NAMES[choice]}`;
      button.setAttribute("aria-label", text);
      button.title = text;
    };
    button.hidden = false;
    say();
    button.addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // it holds until the page is left
      }
      apply();
      say();
      document.dispatchEvent(new CustomEvent("infrafabric:themed"));
    });
  });
})();
