// Follows the device once for all pages of a browser, which may open six connections to it (HTTP/1.1).
import { stream } from "./stream.js";

const visible = new Set(); // the ports of the pages that somebody can see
let newest; // what a page must know that joins later

const device = stream((kind, data) => {
  if (kind === "now") newest = data;
  else if (kind === "link") newest = data.state === "ok" ? newest : undefined;
  else if (newest) newest = { ...newest, [kind]: data };
  for (const port of visible) port.postMessage([kind, data]);
});

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: seen }) => {
    if (!seen) visible.delete(port);
    else if (!visible.has(port)) {
      visible.add(port);
      if (device.open && newest) for (const event of [["link", { state: "ok" }], ["now", newest]]) port.postMessage(event);
    }
    if (visible.size) device.start();
    else device.stop();
  };
};
