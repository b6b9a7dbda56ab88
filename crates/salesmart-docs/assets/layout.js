// Layers: every table right of all that it reads, as few crossings as a few sweeps find.
// In: nodes {id, height}, edges {from, to}. Out: nodes with x, y; edges with the points they pass.
(function () {
  "use strict";
  var GAP = 18, STRAIT = 8;

  function layered(nodes, edges, width, aisle) {
    var byId = new Map(nodes.map(function (node) { return [node.id, node]; }));
    edges = edges.filter(function (edge) { return edge.from !== edge.to && byId.has(edge.from) && byId.has(edge.to); });
    rank(nodes, edges, byId);
    var layers = [], places = new Map();
    function put(item) {
      (layers[item.layer] = layers[item.layer] || []).push(item);
      places.set(item.key, item);
    }
    nodes.forEach(function (node) {
      put({ key: "n" + node.id, node: node, layer: node.layer, height: node.height, left: [], right: [] });
    });
    // An edge over several layers passes through each of them at a place of its own.
    edges.forEach(function (edge, number) {
      var before = places.get("n" + edge.from), end = places.get("n" + edge.to);
      edge.chain = [before];
      for (var layer = before.layer + 1; layer < end.layer; layer++) {
        var bend = { key: "b" + number + "." + layer, layer: layer, height: 0, left: [], right: [] };
        put(bend);
        join(before, bend);
        edge.chain.push(bend);
        before = bend;
      }
      join(before, end);
      edge.chain.push(end);
    });
    function join(a, b) { a.right.push(b); b.left.push(a); }
    for (var l = 0; l < layers.length; l++) layers[l] = layers[l] || [];

    number(layers);
    var best = layers.map(function (layer) { return layer.slice(); }), least = crossings(layers);
    for (var sweep = 0; sweep < 10 && least > 0; sweep++) {
      var down = sweep % 2 === 0, side = down ? "left" : "right";
      for (var i = 0; i < layers.length; i++) {
        var layer = layers[down ? i : layers.length - 1 - i];
        layer.forEach(function (item) {
          var near = item[side];
          item.weight = near.length ? near.reduce(function (sum, other) { return sum + other.place; }, 0) / near.length : item.place;
        });
        layer.sort(function (a, b) { return a.weight - b.weight || a.place - b.place; });
        number([layer]);
      }
      var count = crossings(layers);
      if (count < least) { least = count; best = layers.map(function (one) { return one.slice(); }); }
    }
    number(best);
    stand(best);
    best.forEach(function (layer, place) {
      layer.forEach(function (item) {
        item.x = place * (width + aisle);
        if (item.node) { item.node.x = item.x; item.node.y = item.y; }
      });
    });
    edges.forEach(function (edge) { edge.bends = edge.chain.slice(1, -1); delete edge.chain; });
    var all = [].concat.apply([], best);
    return {
      edges: edges,
      width: best.length * (width + aisle) - aisle,
      height: all.reduce(function (most, item) { return Math.max(most, item.y + item.height); }, 0)
    };
  }

  function number(layers) {
    layers.forEach(function (layer) { layer.forEach(function (item, place) { item.place = place; }); });
  }

  // The longest way from what reads nothing here; then what could stand nearer to its readers does.
  function rank(nodes, edges, byId) {
    nodes.forEach(function (node) { node.layer = 0; });
    for (var round = 0, moved = true; moved && round <= nodes.length; round++) {
      moved = false;
      edges.forEach(function (edge) {
        var from = byId.get(edge.from), to = byId.get(edge.to);
        if (to.layer < from.layer + 1) { to.layer = from.layer + 1; moved = true; }
      });
    }
    nodes.slice().sort(function (a, b) { return b.layer - a.layer; }).forEach(function (node) {
      var nearest = Infinity, reads = false;
      edges.forEach(function (edge) {
        if (edge.from === node.id) nearest = Math.min(nearest, byId.get(edge.to).layer - 1);
        if (edge.to === node.id) reads = true;
      });
      if (!reads && nearest !== Infinity) node.layer = nearest;
    });
  }

  function crossings(layers) {
    var count = 0;
    layers.forEach(function (layer) {
      var ends = [];
      layer.forEach(function (item) {
        var rights = item.right.map(function (other) { return other.place; }).sort(function (a, b) { return a - b; });
        rights.forEach(function (end) { ends.forEach(function (before) { if (before > end) count += 1; }); });
        ends = ends.concat(rights);
      });
    });
    return count;
  }

  // Heights: as near as possible to the middle of the neighbours, without touching.
  function stand(layers) {
    layers.forEach(function (layer) {
      var y = 0;
      layer.forEach(function (item) { item.y = y; y += item.height + (item.node ? GAP : STRAIT); });
    });
    for (var round = 0; round < 12; round++) {
      var right = round % 2 === 0;
      for (var i = 0; i < layers.length; i++) {
        var layer = layers[right ? i : layers.length - 1 - i];
        layer.forEach(function (item) {
          var near = right ? item.left : item.right;
          if (!near.length) near = right ? item.right : item.left;
          item.wish = near.length ? near.reduce(function (sum, other) { return sum + other.y + other.height / 2; }, 0) / near.length - item.height / 2 : item.y;
        });
        settle(layer);
      }
    }
    var top = Infinity;
    layers.forEach(function (layer) { layer.forEach(function (item) { top = Math.min(top, item.y); }); });
    layers.forEach(function (layer) { layer.forEach(function (item) { item.y -= top; }); });
  }

  // Items in their order, each block of those that touch at the mean of their wishes.
  function settle(layer) {
    var blocks = [];
    layer.forEach(function (item) {
      var block = { items: [item], offsets: [0], length: item.height, gap: item.node ? GAP : STRAIT, sum: item.wish, y: item.wish };
      blocks.push(block);
      while (blocks.length > 1) {
        var last = blocks[blocks.length - 1], before = blocks[blocks.length - 2];
        if (before.y + before.length + before.gap <= last.y) break;
        var shift = before.length + before.gap;
        last.items.forEach(function (one, place) {
          before.items.push(one);
          before.offsets.push(shift + last.offsets[place]);
          before.sum += one.wish - shift - last.offsets[place];
        });
        before.length = shift + last.length;
        before.gap = last.gap;
        before.y = before.sum / before.items.length;
        blocks.pop();
      }
    });
    blocks.forEach(function (block) {
      block.items.forEach(function (item, place) { item.y = block.y + block.offsets[place]; });
    });
  }

  window.SALESMART_LAYOUT = { layered: layered };
})();
