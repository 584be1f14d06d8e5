"use strict";
// The page reads well without this: it adds finding, filtering and ordering of hosts.
(() => {
  const controls = document.getElementById("controls");
  if (!controls) return;
  const find = document.getElementById("find");
  const order = document.getElementById("order");
  const shown = document.getElementById("shown");
  const states = [...controls.querySelectorAll("[name=state]")];
  const lists = ["rows", "sections"].map((id) => document.getElementById(id));

  const filter = () => {
    const wanted = new Set(states.filter((box) => box.checked).map((box) => box.value));
    const text = find.value.trim().toLowerCase();
    for (const list of lists) {
      for (const item of list.children) {
        item.hidden = !(wanted.has(item.dataset.state) && item.dataset.host.includes(text));
      }
    }
    const all = [...lists[0].children];
    const visible = all.filter((item) => !item.hidden).length;
    shown.textContent = visible === all.length ? "" : `${visible} of ${all.length} shown`;
  };

  const sort = () => {
    const key = order.value;
    const compare = (one, other) => {
      if (key === "host") return one.dataset.host.localeCompare(other.dataset.host, "en", { numeric: true });
      return one.dataset[key] - other.dataset[key] || one.dataset.place - other.dataset.place;
    };
    for (const list of lists) list.append(...[...list.children].sort(compare));
  };

  // A link to a host shows it, whatever is filtered and closed.
  const reveal = () => {
    const body = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const host = body && body.closest("details.host");
    if (!host) return;
    host.hidden = false;
    host.open = true;
    body.scrollIntoView();
  };

  controls.addEventListener("input", filter);
  order.addEventListener("change", sort);
  window.addEventListener("hashchange", reveal);
  controls.hidden = lists[0].children.length < 2;
  reveal();
})();
