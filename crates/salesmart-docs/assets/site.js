// Search, lists that narrow, copying, colours, and what happened since. No page needs any of it to be read.
(function () {
  "use strict";
  var root = document.body.dataset.root || "";
  function make(name, attributes, text) {
    var element = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // Colours.
  document.getElementById("theme").addEventListener("click", function () {
    var now = document.documentElement.dataset.theme ||
      (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    var next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("salesmart-theme", next); } catch (refused) { /* for this page only */ }
  });

  // Search. A word must begin or be within a name; what it is about counts less.
  var input = document.getElementById("search");
  var box = document.getElementById("found");
  var weights = { metric: 30, table: 20, column: 0 };
  function score(entry, words) {
    var name = entry[1].toLowerCase(), second = entry[2].toLowerCase(), about = entry[3].toLowerCase();
    var both = name + " " + second, sum = weights[entry[0]];
    for (var i = 0; i < words.length; i++) {
      var word = words[i];
      if (name === word || second === word) sum += 120;
      else if (name.indexOf(word) === 0 || second.indexOf(word) === 0) sum += 70;
      else if (new RegExp("[ ._]" + word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).test(both)) sum += 50;
      else if (both.indexOf(word) >= 0) sum += 30;
      else if (about.indexOf(word) >= 0) sum += 8;
      else return 0;
    }
    return sum - Math.min(entry[1].length, 40) / 10;
  }
  // The index is most of what a page would weigh, so it comes when somebody wants to search.
  var wanted = false;
  function index() {
    if (wanted) return window.SALESMART_SEARCH || [];
    wanted = true;
    var script = make("script", { src: root + "assets/search.js" });
    script.addEventListener("load", show);
    document.head.append(script);
    return [];
  }
  function search(text) {
    var words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    return index()
      .map(function (entry) { return [score(entry, words), entry]; })
      .filter(function (pair) { return pair[0] > 0; })
      .sort(function (a, b) { return b[0] - a[0] || (a[1][4] < b[1][4] ? -1 : 1); })
      .slice(0, 24)
      .map(function (pair) { return pair[1]; });
  }
  var at = -1;
  function select(next) {
    var links = box.querySelectorAll("a");
    if (!links.length) return;
    at = (next + links.length) % links.length;
    links.forEach(function (link, place) { link.setAttribute("aria-selected", String(place === at)); });
    links[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", links[at].id);
  }
  function show() {
    var text = input.value.trim();
    box.replaceChildren();
    at = -1;
    input.removeAttribute("aria-activedescendant");
    var open = text.length > 0;
    box.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) return;
    var hits = search(text);
    if (!window.SALESMART_SEARCH) return;
    if (!hits.length) box.append(make("p", {}, "Nothing is called so, and nothing is about it."));
    hits.forEach(function (entry, place) {
      var link = make("a", { href: root + entry[4], role: "option", id: "found-" + place, "aria-selected": "false" });
      link.append(make("span", { class: "what" }, entry[0]), make("strong", {}, entry[1]), " ");
      link.append(make("span", { class: "how" }, entry[2]), make("span", { class: "about" }, entry[3]));
      box.append(link);
    });
  }
  input.addEventListener("input", show);
  input.addEventListener("focus", function () { index(); show(); });
  input.addEventListener("keydown", function (event) {
    if (event.key === "ArrowDown") { select(at + 1); event.preventDefault(); }
    if (event.key === "ArrowUp") { select(at - 1); event.preventDefault(); }
    if (event.key === "Escape") { input.value = ""; show(); input.blur(); }
  });
  input.form.addEventListener("submit", function (event) {
    event.preventDefault();
    var links = box.querySelectorAll("a");
    // Whoever types fast waits for the index, not for nothing.
    if (!window.SALESMART_SEARCH) return void setTimeout(function () { input.form.requestSubmit(); }, 50);
    if (links.length) links[Math.max(at, 0)].click();
  });
  document.addEventListener("click", function (event) {
    if (!input.form.contains(event.target)) { box.hidden = true; input.setAttribute("aria-expanded", "false"); }
  });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { input.focus(); event.preventDefault(); }
  });

  // Lists that narrow.
  document.querySelectorAll("[data-filter]").forEach(function (filter) {
    filter.addEventListener("input", function () {
      var words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      document.querySelectorAll("[data-group]").forEach(function (group) {
        var left = 0;
        group.querySelectorAll("[data-item]").forEach(function (item) {
          var text = item.dataset.item.toLowerCase();
          item.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
          if (!item.hidden) left += 1;
        });
        group.hidden = left === 0;
      });
    });
  });

  // Copying.
  document.querySelectorAll(".copy").forEach(function (button) {
    button.addEventListener("click", function () {
      var code = button.parentNode.querySelector("code");
      function said(word) {
        button.textContent = word;
        setTimeout(function () { button.textContent = "Copy"; }, 1500);
      }
      function marked() {
        var range = document.createRange();
        range.selectNodeContents(code);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        said("Marked");
      }
      if (!navigator.clipboard) return marked();
      navigator.clipboard.writeText(code.textContent).then(function () { said("Copied"); }, marked);
    });
  });

  // A link into a column opens what is said of it.
  function opened() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var details = target && target.querySelector("details");
    if (details) details.open = true;
  }
  addEventListener("hashchange", opened);
  opened();

  // What happened since this release.
  var since = document.getElementById("since"), status = window.SALESMART_STATUS;
  if (since && status) {
    var lines = [], bad = false;
    var last = status.runs[0];
    if (last && last.status !== "succeeded") {
      bad = last.status === "failed" || last.status === "killed";
      var what = last.status === "running" ? "A run is going on" : last.status === "partial" ?
        "The last run left streams out" : "The last run " + (last.status === "killed" ? "was killed" : "failed");
      lines.push(what + " (" + last.pipeline + ", " + last.started_at.replace("T", " ").slice(0, 16) + " UTC). " +
        (last.failure ? last.failure.message + ". " + (last.failure.hint || "") : ""));
    } else if (last) {
      lines.push("The last run succeeded (" + last.pipeline + ", " + last.started_at.replace("T", " ").slice(0, 16) + " UTC).");
    }
    if (status.current && status.current !== status.shown) {
      lines.push("This site shows release " + status.shown + "; the current one is " + status.current + ".");
    }
    lines.forEach(function (line) { since.append(make("p", {}, line)); });
    since.classList.toggle("bad", bad);
    since.hidden = lines.length === 0;
  }
})();
