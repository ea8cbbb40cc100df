// Sections that lie in files beside the page: loaded when a link leads to one.
const catalog = (() => {
  const node = document.getElementById("_catalog");
  if (!node) {
    return {has: () => false};
  }
  const {folder, perShard, sections} = JSON.parse(node.textContent);
  const card = document.getElementById("_card");
  const place = new Map(sections.map((id, i) => [id, i]));
  const shards = new Map();
  window.__saeShard = (number, html) => shards.get(number).arrived(html);

  const load = (number) => {
    if (!shards.has(number)) {
      const shard = {};
      shard.html = new Promise((resolve, reject) => {
        shard.arrived = resolve;
        const name = `${folder}/${String(number).padStart(3, "0")}.js`;
        document.head.append(element("script", {src: name, error: () => {
          shards.delete(number);
          reject(new Error(`${name} is missing beside this page`));
        }}));
      });
      shards.set(number, shard);
    }
    return shards.get(number).html;
  };

  const show = async (id) => {
    const i = place.get(id);
    card.replaceChildren(element("p", {class: "empty"}, "Loading …"));
    try {
      const html = (await load(Math.floor(i / perShard)))[i % perShard];
      forget(card);
      card.innerHTML = html;
      const step = (by, text) => sections[i + by]
        ? element("a", {href: `#${sections[i + by]}`}, text) : element("span", {class: "off"}, text);
      card.prepend(element("p", {class: "steps"}, step(-1, "← previous"), step(1, "next →"), element("a", {href: "#_catalog_section"}, "all")));
      card.querySelectorAll("figure[data-kind]").forEach(adopt);
      card.scrollIntoView();
    } catch (e) {
      card.replaceChildren(element("p", {class: "alert"}, e.message));
    }
  };

  const follow = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    if (place.has(id) && !document.querySelector(`main > section[id="${CSS.escape(id)}"]`)) {
      show(id);
    }
  };
  window.addEventListener("hashchange", follow);
  return {has: (id) => place.has(id), follow};
})();
