// The graph of tables and columns: a part of it at a time, around one table or one column.
(function () {
  "use strict";
  var all = window.SALESMART_GRAPH.tables;
  var byName = new Map(all.map(function (table, place) { return [table.n, place]; }));
  var readers = all.map(function () { return []; });
  all.forEach(function (table, place) { table.r.forEach(function (read) { readers[read].push(place); }); });
  var WAYS = ["copied", "computed", "aggregated"];
  var HOW = ["filter", "join", "group", "order", "condition"];
  var MOST = 90, WIDTH = 252, AISLE = 56, EDGE = 16;
  var get = function (id) { return document.getElementById(id); };
  var form = { table: get("table"), column: get("column"), up: get("up"), down: get("down"), deciding: get("deciding") };
  var NS = "http://www.w3.org/2000/svg";
  function svg(name, attributes, text) {
    var element = document.createElementNS(NS, name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    if (text !== undefined) element.textContent = text;
    return element;
  }
  function html(name, attributes, text) {
    var element = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    if (text !== undefined) element.textContent = text;
    return element;
  }
  function hows(bits) { return HOW.filter(function (_, bit) { return bits & (1 << bit); }).join(", "); }

  // Where values and decisions go, column by column.
  var feeds = new Map();
  function key(table, column) { return table + ":" + column; }
  all.forEach(function (table, t) {
    table.c.forEach(function (column, c) {
      column.v.forEach(function (source) { feed(source, t, c, false); });
      column.d.forEach(function (source) { feed(source, t, c, true); });
    });
  });
  function feed(source, t, c, decides) {
    var at = key(source[0], source[1]);
    if (!feeds.has(at)) feeds.set(at, []);
    feeds.get(at).push([t, c, decides]);
  }

  var state = { table: 0, column: -1, up: 1, down: 1, deciding: false };

  // What is asked for stands in the address, so that it can be sent to somebody.
  function fromAddress() {
    var asked = new URLSearchParams(location.hash.slice(1));
    var name = asked.get("column") || asked.get("table") || "";
    var column = -1, table = byName.get(name);
    if (table === undefined && name.lastIndexOf(".") > 0) {
      table = byName.get(name.slice(0, name.lastIndexOf(".")));
      if (table !== undefined) column = all[table].c.findIndex(function (c) { return c.n === name.slice(name.lastIndexOf(".") + 1); });
    }
    if (table === undefined) table = byName.get("kpi.win_rate");
    if (table === undefined) table = 0;
    function steps(name, usual) {
      var number = parseInt(asked.get(name), 10);
      return isNaN(number) ? usual : Math.max(0, Math.min(12, number));
    }
    state = {
      table: table, column: column, deciding: asked.get("deciding") === "1",
      up: steps("up", column >= 0 ? 2 : 1), down: steps("down", 1)
    };
  }
  function address() {
    var asked = new URLSearchParams();
    if (state.column >= 0) asked.set("column", all[state.table].n + "." + all[state.table].c[state.column].n);
    else asked.set("table", all[state.table].n);
    asked.set("up", state.up);
    asked.set("down", state.down);
    if (state.deciding) asked.set("deciding", "1");
    return "#" + asked.toString();
  }
  function go(change) {
    Object.assign(state, change);
    if (address() === location.hash) draw();
    else location.hash = address();
  }

  // The tables within the steps, nearest first.
  function around() {
    var found = new Map([[state.table, 0]]), cut = 0;
    [[state.up, function (t) { return all[t].r; }], [state.down, function (t) { return readers[t]; }]].forEach(function (side) {
      var edge = [state.table], seen = new Set(edge);
      for (var step = 0; step < side[0]; step++) {
        var next = [];
        edge.forEach(function (t) {
          side[1](t).forEach(function (other) {
            if (seen.has(other)) return;
            seen.add(other);
            if (found.size >= MOST && !found.has(other)) { cut += 1; return; }
            found.set(other, step + 1);
            next.push(other);
          });
        });
        edge = next;
      }
    });
    var edges = [];
    found.forEach(function (_, t) {
      all[t].r.forEach(function (read) { if (found.has(read)) edges.push({ from: read, to: t, decides: false }); });
    });
    return { tables: new Map(Array.from(found.keys()).map(function (t) { return [t, []]; })), edges: edges, cells: [], cut: cut };
  }

  // The columns that a column's values come from and go to, within the steps.
  function along() {
    var tables = new Map(), cells = [], have = new Set(), cut = 0;
    function add(t, c) {
      if (!tables.has(t)) {
        if (tables.size >= MOST) return false;
        tables.set(t, []);
      }
      if (tables.get(t).indexOf(c) < 0) tables.get(t).push(c);
      return true;
    }
    function edge(a, b, decides) {
      var id = a.join(":") + ">" + b.join(":");
      if (have.has(id)) return;
      have.add(id);
      cells.push({ from: a, to: b, decides: decides });
    }
    add(state.table, state.column);
    function walk(steps, next) {
      var front = [[state.table, state.column]], seen = new Set([key(state.table, state.column)]);
      for (var step = 0; step < steps; step++) {
        var more = [];
        front.forEach(function (at) {
          next(at).forEach(function (other) {
            if (!add(other[0], other[1])) { cut += 1; return; }
            if (other[3]) edge(at, [other[0], other[1]], other[2]);
            else edge([other[0], other[1]], at, other[2]);
            var id = key(other[0], other[1]);
            if (!seen.has(id)) { seen.add(id); more.push([other[0], other[1]]); }
          });
        });
        front = more;
      }
    }
    walk(state.up, function (at) {
      var column = all[at[0]].c[at[1]];
      var sources = column.v.map(function (s) { return [s[0], s[1], false, false]; });
      if (state.deciding) sources = sources.concat(column.d.map(function (s) { return [s[0], s[1], true, false]; }));
      return sources;
    });
    walk(state.down, function (at) {
      return (feeds.get(key(at[0], at[1])) || []).filter(function (to) { return state.deciding || !to[2]; })
        .map(function (to) { return [to[0], to[1], to[2], true]; });
    });
    var pairs = new Map();
    cells.forEach(function (cell) {
      if (cell.from[0] !== cell.to[0]) pairs.set(cell.from[0] + ">" + cell.to[0], { from: cell.from[0], to: cell.to[0], decides: false });
    });
    tables.forEach(function (columns) { columns.sort(function (a, b) { return a - b; }); });
    return { tables: tables, edges: Array.from(pairs.values()), cells: cells, cut: cut };
  }

  function draw() {
    var view = state.column >= 0 ? along() : around();
    var nodes = Array.from(view.tables.keys()).sort(function (a, b) {
      return all[a].l - all[b].l || (all[a].n < all[b].n ? -1 : 1);
    }).map(function (t) { return { id: t, height: 46 + 20 * view.tables.get(t).length }; });
    var places = new Map(nodes.map(function (node) { return [node.id, node]; }));
    var layout = window.SALESMART_LAYOUT.layered(nodes, view.edges, WIDTH, AISLE);
    var width = layout.width + 2 * EDGE, height = layout.height + 2 * EDGE;
    // A little too wide is made to fit; much too wide is scrolled.
    var frame = get("graph");
    var scale = frame.clientWidth < 700 ? 1 : Math.min(1, Math.max(0.84, frame.clientWidth / width));
    var picture = svg("svg", { width: width * scale, height: height * scale, viewBox: [-EDGE, -EDGE, width, height].join(" ") });
    var below = svg("g"), above = svg("g");
    picture.append(below, above);

    function line(from, to, bends, decides, ends) {
      var x = from.x + WIDTH, y = ends[0], path = "M" + x + " " + y;
      bends.forEach(function (bend) {
        var half = (bend.x - x) / 2;
        path += " C" + (x + half) + " " + y + " " + (bend.x - half) + " " + bend.y + " " + bend.x + " " + bend.y + " H" + (bend.x + WIDTH);
        x = bend.x + WIDTH;
        y = bend.y;
      });
      var middle = (to.x - 6 - x) / 2;
      path += " C" + (x + middle) + " " + y + " " + (to.x - 6 - middle) + " " + ends[1] + " " + (to.x - 6) + " " + ends[1];
      var drawn = svg("path", { class: "edge" + (decides ? " decide" : ""), d: path, "data-from": from.id, "data-to": to.id });
      below.append(drawn, svg("path", { class: "tip", d: "M" + to.x + " " + ends[1] + "l-7 -4v8z" }));
      return drawn;
    }
    if (state.column >= 0) {
      view.cells.forEach(function (cell) {
        var from = places.get(cell.from[0]), to = places.get(cell.to[0]);
        if (from === to) return;
        var over = layout.edges.find(function (edge) { return edge.from === from.id && edge.to === to.id; });
        line(from, to, over ? over.bends : [], cell.decides, [row(from, cell.from[1]), row(to, cell.to[1])]);
      });
    } else {
      layout.edges.forEach(function (edge) {
        var from = places.get(edge.from), to = places.get(edge.to);
        line(from, to, edge.bends, false, [from.y + from.height / 2, to.y + to.height / 2]);
      });
    }
    function row(node, column) { return node.y + 46 + 20 * view.tables.get(node.id).indexOf(column) + 6; }

    nodes.forEach(function (node) {
      var table = all[node.id], middle = node.id === state.table;
      var group = svg("g", {
        class: "node" + (middle ? " middle" : ""), tabindex: "0", role: "link", "data-table": table.n,
        "aria-label": table.n + (middle ? ", in the middle: opens its page" : ": puts it in the middle")
      });
      group.append(svg("rect", { class: "box", x: node.x, y: node.y, width: WIDTH, height: node.height, rx: 8 }));
      group.append(svg("rect", { class: "stripe " + table.s, x: node.x + 1.5, y: node.y + 8, width: 4, height: node.height - 16, rx: 2 }));
      group.append(svg("title", {}, table.n));
      group.append(svg("text", { x: node.x + 15, y: node.y + 20 }, short(table.n, 31)));
      var hidden = table.r.filter(function (read) { return !view.tables.has(read); }).length;
      var more = readers[node.id].filter(function (reader) { return !view.tables.has(reader); }).length;
      var note = table.k + (hidden ? " · ← " + hidden + " more" : "") + (more ? " · → " + more + " more" : "");
      group.append(svg("text", { class: "note", x: node.x + 15, y: node.y + 36 }, note));
      view.tables.get(node.id).forEach(function (c, place) {
        var lit = middle && c === state.column;
        var cell = svg("text", { class: "cell" + (lit ? " lit" : ""), x: node.x + 15, y: node.y + 56 + 20 * place, "data-column": table.c[c].n }, short(table.c[c].n, 32));
        cell.append(svg("title", {}, table.n + "." + table.c[c].n));
        group.append(cell);
      });
      group.addEventListener("click", function (event) {
        var column = event.target.closest("[data-column]");
        if (column) {
          var c = table.c.findIndex(function (one) { return one.n === column.dataset.column; });
          if (!middle || c !== state.column) return go({ table: node.id, column: c });
        }
        choose(node.id);
      });
      group.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node.id); }
      });
      ["mouseenter", "focus"].forEach(function (kind) { group.addEventListener(kind, function () { light(node.id, true); }); });
      ["mouseleave", "blur"].forEach(function (kind) { group.addEventListener(kind, function () { light(node.id, false); }); });
      above.append(group);
    });
    function light(id, lit) {
      below.querySelectorAll(".edge").forEach(function (edge) {
        if (edge.dataset.from === String(id) || edge.dataset.to === String(id)) edge.classList.toggle("lit", lit);
      });
    }
    frame.replaceChildren(picture);
    var at = places.get(state.table);
    frame.scrollLeft = (at.x + WIDTH / 2 + EDGE) * scale - frame.clientWidth / 2;
    frame.scrollTop = (at.y + at.height / 2 + EDGE) * scale - frame.clientHeight / 2;
    fill();
    list();
    get("said").textContent = view.tables.size + (view.tables.size === 1 ? " table" : " tables") +
      (state.column >= 0 ? ", " + view.cells.length + " connections of columns" : ", " + view.edges.length + " connections") +
      (view.cut ? "; " + view.cut + " more are not drawn: take fewer steps" : "");
  }
  function short(text, most) { return text.length > most ? text.slice(0, most - 1) + "…" : text; }

  // A table that is in the middle already opens its page.
  function choose(t) {
    if (t === state.table) location.href = all[t].h;
    else go({ table: t, column: -1 });
  }

  function fill() {
    var table = all[state.table];
    form.table.value = table.n;
    form.up.value = state.up;
    form.down.value = state.down;
    form.deciding.checked = state.deciding;
    form.deciding.disabled = state.column < 0;
    form.column.replaceChildren(html("option", { value: "" }, "all of the table"));
    table.c.forEach(function (column, place) { form.column.append(html("option", { value: place }, column.n)); });
    form.column.value = state.column >= 0 ? String(state.column) : "";
  }

  // The same in words, for those who do not see it.
  function list() {
    var table = all[state.table], target = get("listed");
    function block(title, items) {
      var box = html("div");
      box.append(html("h3", {}, title + " (" + items.length + ")"));
      var ul = html("ul", { class: "sources" });
      items.forEach(function (item) {
        var li = html("li");
        li.append(html("a", { href: item[1] }, item[0]), " ", html("span", { class: "how" }, item[2]));
        ul.append(li);
      });
      box.append(items.length ? ul : html("p", { class: "small" }, "Nothing."));
      target.append(box);
    }
    function cell(t, c, how) { return [all[t].n + "." + all[t].c[c].n, "#column=" + encodeURIComponent(all[t].n + "." + all[t].c[c].n), how]; }
    function one(t) { return [all[t].n, "#table=" + encodeURIComponent(all[t].n), all[t].k]; }
    target.replaceChildren();
    if (state.column < 0) {
      block(table.n + " reads", table.r.map(one));
      block("read by", readers[state.table].map(one));
      return;
    }
    var column = table.c[state.column], name = table.n + "." + column.n;
    block("Values of " + name + " come from", column.v.map(function (s) { return cell(s[0], s[1], WAYS[s[2]]); })
      .concat(column.t.map(function (t) { var link = one(t); link[2] = "rows are counted"; return link; })));
    block("Decided by", column.d.map(function (s) { return cell(s[0], s[1], hows(s[2])); }));
    block("Its values go to", (feeds.get(key(state.table, state.column)) || []).map(function (to) { return cell(to[0], to[1], to[2] ? "decides" : ""); }));
    block("Rows of " + table.n + " are decided by", table.w.map(function (s) { return cell(s[0], s[1], hows(s[2])); }));
  }

  get("focus").addEventListener("submit", function (event) { event.preventDefault(); });
  form.table.addEventListener("change", function () {
    var t = byName.get(form.table.value.trim());
    if (t === undefined) form.table.value = all[state.table].n;
    else go({ table: t, column: -1 });
  });
  form.column.addEventListener("change", function () {
    go({ column: form.column.value === "" ? -1 : Number(form.column.value) });
  });
  ["up", "down"].forEach(function (side) {
    form[side].addEventListener("change", function () {
      var change = {};
      change[side] = Math.max(0, Math.min(12, parseInt(form[side].value, 10) || 0));
      go(change);
    });
  });
  form.deciding.addEventListener("change", function () { go({ deciding: form.deciding.checked }); });
  addEventListener("hashchange", function () { fromAddress(); draw(); });
  fromAddress();
  draw();
})();
