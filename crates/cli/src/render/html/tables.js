'use strict';

// Tables are sorted by a click on a head: figures from large to small first, words from A to Z.
(() => {
  for (const head of document.querySelectorAll('th')) {
    head.tabIndex = 0;
    head.addEventListener('click', () => sort(head));
    head.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') sort(head);
    });
  }

  function sort(head) {
    const table = head.closest('table');
    const at = [...head.parentNode.children].indexOf(head);
    const figures = head.classList.contains('right');
    const ascending = head.ariaSort === null ? !figures : head.ariaSort === 'descending';
    for (const other of head.parentNode.children) other.ariaSort = null;
    head.ariaSort = ascending ? 'ascending' : 'descending';
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(a.cells[at], b.cells[at]));
    if (!ascending) rows.reverse();
    body.append(...rows);
  }

  function compare(a, b) {
    const [x, y] = [a.dataset.value, b.dataset.value];
    if (x !== undefined && y !== undefined) return x - y;
    return a.textContent.localeCompare(b.textContent);
  }
})();
