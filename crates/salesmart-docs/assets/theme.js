// Before anything is drawn: the colours that the reader chose here before.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("scripted");
  var chosen = null;
  try { chosen = localStorage.getItem("salesmart-theme"); } catch (refused) { /* no memory, no choice */ }
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
})();
