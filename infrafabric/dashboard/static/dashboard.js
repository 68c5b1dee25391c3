// Keeps a page current, filters the overview, and moves by keys. Without it, the page is a page.
//
// The server renders; this script asks for the same page again and changes what differs, in place. So there is one way
// to write a number, and what has the focus, is open or is selected stays so.
(() => {
  "use strict";
  const POLL_MS = 2000;
  const RETRY_MAX_MS = 10000;
  const ANSWER_MS = 15000;
  const MANY = 3;

  const main = document.getElementById("main");
  const status = document.getElementById("status");
  const freshness = document.getElementById("freshness");
  const announcer = document.getElementById("announce");
  const filter = document.getElementById("filter");
  const filterState = document.getElementById("filter-state");
  const isLive = status?.dataset.live === "yes";

  // --- one tree made like another -------------------------------------------------------------------

  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id : "");

  const alike = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  function morph(old, wanted) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== wanted.data) old.data = wanted.data;
      return;
    }
    if (old.hasAttribute("data-keep")) return; // what a script has drawn
    morphAttributes(old, wanted);
    morphChildren(old, wanted);
  }

  function morphAttributes(old, wanted) {
    const isOwn = (name) => (old.nodeName === "DETAILS" && name === "open") || (old.nodeName === "INPUT" && name === "value");
    for (const { name, value } of wanted.attributes) {
      if (!isOwn(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!isOwn(name) && !wanted.hasAttribute(name)) old.removeAttribute(name);
    }
  }

  function morphChildren(old, wanted) {
    const known = new Map();
    for (const child of old.children) if (child.id) known.set(child.id, child);
    let place = old.firstChild;
    for (const next of [...wanted.childNodes]) {
      const key = keyOf(next);
      const same = key ? known.get(key) : place && !keyOf(place) && alike(place, next) ? place : null;
      if (same && alike(same, next)) {
        if (same === place) place = place.nextSibling;
        else moveBefore(old, same, place);
        morph(same, next);
      } else {
        old.insertBefore(document.importNode(next, true), place);
      }
    }
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  }

  function moveBefore(parent, node, place) {
    const focused = node.contains(document.activeElement) ? document.activeElement : null;
    parent.insertBefore(node, place);
    focused?.focus({ preventScroll: true });
  }

  // --- what has changed, aloud ----------------------------------------------------------------------

  const rows = () => [...document.querySelectorAll("#rows > tr")];
  const states = () => new Map(rows().map((row) => [row.id, row.dataset.state]));

  function announceChanges(before) {
    const changed = rows().filter((row) => before.has(row.id) && before.get(row.id) !== row.dataset.state);
    if (!changed.length) return;
    const words = changed.slice(0, MANY).map((row) => {
      const text = (selector) => row.querySelector(selector)?.textContent.trim() ?? "";
      return `${text(".row-link")} ${text(".objective")} is now ${text(".badge")}`;
    });
    if (changed.length > MANY) words.push(`and ${changed.length - MANY} more changed`);
    announcer.textContent = words.join("; ");
  }

  // --- asking again ---------------------------------------------------------------------------------

  let etag = null;
  let timer = 0;
  let failures = 0;
  let tookMs = 0;
  let asking = null;

  function show(kind, text) {
    if (!isLive) return; // a file is as of when it was written
    status.classList.toggle("is-live", kind === "live");
    status.classList.toggle("is-stale", kind === "stale");
    const word = freshness.firstChild;
    if (word.data !== text) word.data = text;
  }

  function take(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const freshMain = fresh.getElementById("main");
    const freshTime = fresh.querySelector("#freshness time");
    if (!freshMain || !freshTime) throw new Error("the answer is no page of the dashboard");
    const before = states();
    morph(main, freshMain);
    morph(freshness.querySelector("time"), freshTime);
    document.title = fresh.title;
    applyFilter();
    announceChanges(before);
    document.dispatchEvent(new CustomEvent("infrafabric:changed"));
  }

  // The same page still: it is as of now.
  function confirm(date) {
    const now = date ? new Date(date) : new Date();
    if (!isLive) return;
    const time = freshness.querySelector("time");
    time.dateTime = now.toISOString();
    time.textContent = `${now.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }

  // The overview is asked for whole, and filtered here: at once, and with one tag.
  const address = () => (filter ? location.pathname : location.pathname + location.search);

  async function ask() {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const began = performance.now();
    const late = setTimeout(() => mine.abort(), ANSWER_MS);
    try {
      const answer = await fetch(address(), {
        headers: { Accept: "text/html", ...(etag ? { "If-None-Match": etag } : {}) },
        cache: "no-store",
        signal: mine.signal,
      });
      if (answer.status === 200) {
        const text = await answer.text();
        if (asking !== mine) return;
        take(text);
        etag = answer.headers.get("ETag");
      } else if (answer.status !== 304) {
        throw new Error(answer.status === 401 ? "signed out, reload to sign in" : answer.status === 404 ? "no longer loaded" : "");
      }
      if (answer.status === 304) confirm(answer.headers.get("Date"));
      failures = 0;
      tookMs = performance.now() - began;
      show("live", "live, as of ");
    } catch (error) {
      if (asking !== mine) return; // a newer question is on its way
      failures += 1;
      const why = error instanceof Error && /signed out|no longer/.test(error.message) ? `${error.message}; ` : "";
      show("stale", `${why}stale since `);
      if (failures === 1) announcer.textContent = "The server does not answer; what is shown is stale.";
    } finally {
      clearTimeout(late);
      if (asking === mine) {
        asking = null;
        plan();
      }
    }
  }

  function plan(now = false) {
    clearTimeout(timer);
    if (!isLive || document.hidden) return;
    // A tenth of the time is enough for asking: a page of thousands of rows is asked for less often.
    const usual = Math.max(POLL_MS, 9 * tookMs);
    const wait = now ? 0 : Math.max(usual, Math.min(RETRY_MAX_MS, POLL_MS * 2 ** Math.max(0, failures - 2)));
    timer = setTimeout(ask, wait);
  }

  // --- the filter -----------------------------------------------------------------------------------

  function applyFilter() {
    if (!filter) return;
    const text = filter.value.toLowerCase();
    const state = filterState.value;
    let shown = 0;
    for (const row of rows()) {
      const fits = (!state || row.dataset.state === state) && row.dataset.text.includes(text);
      row.hidden = !fits;
      shown += fits;
    }
    document.getElementById("empty").hidden = shown > 0;
    for (const chip of document.querySelectorAll("#chips .chip")) {
      if (chip.dataset.state === state) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
  }

  function filterChanged() {
    const query = new URLSearchParams();
    if (filter.value) query.set("q", filter.value);
    if (filterState.value) query.set("state", filterState.value);
    history.replaceState(null, "", (query.size ? `?${query}` : location.pathname) + location.hash);
    applyFilter();
  }

  if (filter) {
    const query = new URLSearchParams(location.search);
    filter.value = query.get("q") ?? filter.value;
    filterState.value = query.get("state") ?? filterState.value;
    filter.addEventListener("input", filterChanged);
    document.getElementById("filters").addEventListener("submit", (event) => {
      event.preventDefault();
      links()[0]?.focus();
    });
    document.getElementById("chips").addEventListener("click", (event) => {
      const chip = event.target.closest("a.chip");
      if (!chip || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      filterState.value = chip.dataset.state;
      filterChanged();
    });
    applyFilter();
    if (location.search && location.protocol !== "file:") ask(); // the server has left rows out
  }

  // --- keys -----------------------------------------------------------------------------------------

  const links = () => rows().filter((row) => !row.hidden).map((row) => row.querySelector(".row-link"));

  function move(step) {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))];
    next?.focus();
    next?.closest("tr").scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (!filter || event.altKey || event.ctrlKey || event.metaKey) return;
    const typing = document.activeElement === filter;
    const onRow = document.activeElement?.classList.contains("row-link");
    const steps = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 };
    if (typing && event.key === "Escape") filter.blur();
    else if (typing && event.key === "ArrowDown") move(1);
    else if (typing) return;
    else if (event.key === "/") filter.select();
    else if (event.key in steps && (onRow || event.key.length === 1)) move(steps[event.key]);
    else return;
    event.preventDefault();
  });

  document.getElementById("board")?.addEventListener("click", (event) => {
    const row = event.target.closest("#rows > tr");
    if (!row || event.target.closest("a") || String(getSelection())) return;
    row.querySelector(".row-link").click();
  });

  if (isLive) {
    document.addEventListener("visibilitychange", () => plan(true));
    plan();
  }
})();
