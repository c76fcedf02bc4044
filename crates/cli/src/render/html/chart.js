'use strict';

// The picture of a tree whose parts add up (dominators, calls): an icicle or a treemap in SVG, zoomed by a click.
(() => {
  /* global layout */
  const SVG = 'http://www.w3.org/2000/svg';
  const ROW = { least: 26, most: 44 };
  const ICICLE_HEIGHT = 360;
  const TREEMAP_HEIGHT = 520;
  const LETTER = 6.8;
  const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

  const place = document.getElementById('chart');
  const words = place.dataset;
  const nodes = layout.tree(JSON.parse(document.getElementById('tiles').textContent));
  const views = { Icicle: drawIcicle, Treemap: drawTreemap };
  let view = 'Icicle';
  let top = nodes[0];

  const nav = place.appendChild(document.createElement('nav'));
  const switches = Object.keys(views).map((name) => button(nav, name, () => show(top, name)));
  const crumbs = nav.appendChild(document.createElement('span'));
  crumbs.className = 'crumbs';
  const svg = place.appendChild(document.createElementNS(SVG, 'svg'));
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', place.previousElementSibling.textContent);
  const tip = document.body.appendChild(document.createElement('div'));
  tip.id = 'tip';
  tip.hidden = true;

  addEventListener('resize', () => show(top, view));
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && top.parent !== null) show(top.parent, view);
  });
  show(top, view);

  function show(node, name) {
    top = node;
    view = name;
    tip.hidden = true;
    svg.replaceChildren();
    views[view]();
    switches.forEach((one) => one.setAttribute('aria-pressed', String(one.textContent === view)));
    crumbs.replaceChildren();
    const way = [];
    for (let at = top; at !== null; at = at.parent) way.unshift(at);
    for (const at of way) button(crumbs, `${at === way[0] ? '' : '› '}${called(at)}`, () => show(at, view));
  }

  function drawIcicle() {
    const width = place.clientWidth;
    const tiles = layout.icicle(top, width, 1);
    const rows = 1 + Math.max(...tiles.map((tile) => tile.row));
    const height = Math.min(ROW.most, Math.max(ROW.least, Math.floor(ICICLE_HEIGHT / rows)));
    size(width, rows * height);
    for (const { row, ...tile } of tiles) draw({ ...tile, y: row * height, height });
  }

  function drawTreemap() {
    const width = place.clientWidth;
    size(width, TREEMAP_HEIGHT);
    layout.treemap(top, width, TREEMAP_HEIGHT, { head: 18, pad: 3, least: 3, depth: 4 }).forEach(draw);
  }

  function size(width, height) {
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('height', height);
  }

  function draw(tile) {
    const group = svg.appendChild(document.createElementNS(SVG, 'g'));
    const rect = group.appendChild(document.createElementNS(SVG, 'rect'));
    for (const name of ['x', 'y', 'width', 'height']) rect.setAttribute(name, tile[name].toFixed(1));
    rect.style.fill = color(tile.node);
    group.dataset.index = tile.node.index;
    group.tabIndex = 0;
    group.setAttribute('role', 'button');
    group.setAttribute('aria-label', `${called(tile.node)}, ${bytes(tile.node.s)}`);
    const letters = Math.floor((tile.width - 8) / LETTER);
    if (letters >= 4 && tile.height >= 14) {
      const text = group.appendChild(document.createElementNS(SVG, 'text'));
      const label = `${called(tile.node)} ${bytes(tile.node.s)}`;
      text.textContent = label.length > letters ? `${label.slice(0, letters - 1)}…` : label;
      text.setAttribute('x', (tile.x + 5).toFixed(1));
      text.setAttribute('y', (tile.y + (tile.inner || tile.height > 2 * ROW.most ? 13 : tile.height / 2 + 4)).toFixed(1));
    }
    // The tile that fills the picture leads back.
    const zoom = () => show(tile.node === top && top.parent !== null ? top.parent : tile.node, view);
    group.addEventListener('click', zoom);
    group.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') zoom();
    });
    group.addEventListener('mousemove', (event) => tell(tile.node, event));
    group.addEventListener('mouseleave', () => (tip.hidden = true));
  }

  function tell(node, event) {
    const lines = [node.parent === null ? words.whole : node.e === '' ? node.n : `${node.e} → ${node.n}`];
    if (node.parent === null) lines.push(words.roots);
    else if (node.d !== undefined) lines.push(node.d);
    else if (node.k > 1) lines.push(`${node.k.toLocaleString('en')} alike, the largest @${node.i}`);
    else lines.push(`${node.c} @${node.i}`);
    lines.push(`${words.verb} ${bytes(node.s)}, ${((100 * node.s) / Math.max(1, nodes[0].s)).toFixed(1)} % of ${words.of}`);
    tip.textContent = lines.join('\n');
    tip.hidden = false;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  }

  function called(node) {
    if (node.parent === null) return words.whole;
    // Of many alike, the way to one says nothing.
    if (node.k > 1) return `${node.k.toLocaleString('en')} × ${node.n}`;
    return node.e === '' ? node.n : `${node.e}: ${node.n}`;
  }

  /** The same class has the same colour in every picture. */
  function color(node) {
    if (node.parent === null) return 'var(--shade)';
    let hash = 7;
    for (const sign of node.c) hash = (hash * 31 + sign.codePointAt(0)) >>> 0;
    const plain = node.c.startsWith('(');
    return `hsl(${hash % 360} ${plain ? 14 : 52}% var(--tile-lightness))`;
  }

  function bytes(size) {
    let unit = 0;
    while (size >= 999.5 && unit + 1 < UNITS.length) {
      size /= 1024;
      unit += 1;
    }
    return `${unit > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
  }

  function button(parent, text, click) {
    const one = parent.appendChild(document.createElement('button'));
    one.type = 'button';
    one.textContent = text;
    one.addEventListener('click', click);
    return one;
  }
})();
