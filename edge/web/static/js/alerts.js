// Lists the alerts, and draws the chart.
import { $, ask, element, label, percent, t } from "./common.js";
import { listen } from "./events.js";

function row(alert) {
  const line = document.createElement("tr"), time = new Date(alert.time);
  line.append(element("td", time.toLocaleString()), element("td", label(alert.event_type), alert.event_type),
    element("td", percent(alert.score)));
  const cell = line.insertCell();
  if (alert.snapshot) {
    const link = cell.appendChild(element("a", t("alerts.snapshot")));
    link.href = `api/snapshots/${encodeURIComponent(alert.id)}`;
  }
  return line;
}
async function showAlerts() {
  const found = await ask("api/alerts"), most = Math.max(1, ...found.days.map(day => day.alerts));
  $("chart").replaceChildren(...found.days.map(day => {
    const bar = element("div", undefined, "bar"), name = new Date(`${day.day}T12:00`).toLocaleDateString([], { weekday: "short" });
    const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const rect = box.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    box.setAttribute("viewBox", "0 0 1 100");
    box.setAttribute("preserveAspectRatio", "none");
    box.setAttribute("aria-hidden", "true");
    const height = 100 * day.alerts / most;
    for (const [key, value] of Object.entries({ x: 0, y: 100 - height, width: 1, height })) rect.setAttribute(key, value);
    bar.append(element("span", day.alerts), box, element("span", name));
    return bar;
  }));
  $("list").tBodies[0].replaceChildren(...found.alerts.map(row));
  $("none").hidden = found.alerts.length > 0;
  $("list").hidden = !found.alerts.length;
}

listen("now alert", showAlerts);
