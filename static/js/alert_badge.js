// The number of firing alerts beside the entry of the navigation, live.

import { subscribe } from "../live.js";

const badge = document.querySelector("[data-alerts-firing]");

if (badge) {
  subscribe("service", {
    onItems: (items) => {
      const news = items.find(({ key }) => key === "alerts");
      if (!news) return;
      const { firing } = news.figures;
      badge.firstElementChild.textContent = firing.toLocaleString();
      badge.hidden = firing === 0;
    },
  });
}
