'use strict';

// Where the tiles of a tree stand: tiles in, rectangles out, nothing drawn.
const layout = (() => {
  /** The tree from its rows in preorder. */
  function tree(rows) {
    const nodes = rows.map((row, index) => ({ ...row, index, children: [], parent: null }));
    for (const node of nodes) {
      if (node.p < 0) continue;
      node.parent = nodes[node.p];
      node.parent.children.push(node);
    }
    return nodes;
  }

  /**
   * An icicle: each generation a row, each child below its parent, as wide as what it retains. What a parent retains
   * beyond its children stays empty below it.
   */
  function icicle(top, width, leastWidth) {
    const tiles = [];
    const open = [{ node: top, x: 0, width, row: 0 }];
    while (open.length > 0) {
      const place = open.pop();
      tiles.push({ ...place, inner: false });
      let x = place.x;
      for (const child of place.node.children) {
        const childWidth = place.node.s === 0 ? 0 : (place.width * child.s) / place.node.s;
        if (childWidth >= leastWidth) open.push({ node: child, x, width: childWidth, row: place.row + 1 });
        x += childWidth;
      }
    }
    return tiles;
  }

  /** A treemap, squarified (Bruls, Huizing, van Wijk 2000): children within their parent, below its name. */
  function treemap(top, width, height, { head, pad, least, depth }) {
    const tiles = [];
    const open = [{ node: top, x: 0, y: 0, width, height, level: 0 }];
    while (open.length > 0) {
      const place = open.pop();
      const { node, x, y, level } = place;
      const inner = level < depth && node.children.length > 0 && place.width > 4 * pad && place.height > head + 2 * pad;
      tiles.push({ node, x, y, width: place.width, height: place.height, inner });
      if (!inner) continue;
      const room = { x: x + pad, y: y + head, width: place.width - 2 * pad, height: place.height - head - pad };
      for (const child of squarify(node.children, node.s, room)) {
        if (child.width >= least && child.height >= least) open.push({ ...child, level: level + 1 });
      }
    }
    return tiles;
  }

  /** Children, largest first, in rows along the shorter side, each row as long as it makes its tiles squarer. */
  function squarify(children, total, room) {
    const places = [];
    const scale = total === 0 ? 0 : (room.width * room.height) / total;
    let { x, y, width, height } = room;
    let row = [];
    let area = 0;
    const worst = (tiles, sum, side) => {
      const squared = (side * side) / (sum * sum);
      return Math.max(squared * tiles[0].s * scale, 1 / (squared * tiles[tiles.length - 1].s * scale));
    };
    const lay = () => {
      const upright = width >= height;
      const side = upright ? height : width;
      const thickness = side === 0 ? 0 : area / side;
      let along = upright ? y : x;
      for (const node of row) {
        const length = area === 0 ? 0 : (side * node.s * scale) / area;
        places.push(upright ? { node, x, y: along, width: thickness, height: length } : { node, x: along, y, width: length, height: thickness });
        along += length;
      }
      if (upright) {
        x += thickness;
        width -= thickness;
      } else {
        y += thickness;
        height -= thickness;
      }
    };
    for (const node of children.filter((child) => child.s > 0).sort((a, b) => b.s - a.s)) {
      const side = Math.min(width, height);
      const added = node.s * scale;
      if (row.length > 0 && worst([...row, node], area + added, side) > worst(row, area, side)) {
        lay();
        row = [];
        area = 0;
      }
      row.push(node);
      area += added;
    }
    if (row.length > 0) lay();
    return places;
  }

  return { tree, icicle, treemap };
})();
