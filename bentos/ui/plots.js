// Small pictures of the windows: one column each, the oldest on the left. A title, a unit, and what was counted.

import { html } from "./vendor/htm-preact.js";
import { moment } from "./numbers.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [360, 130, 34, 18, 8];
const COLOURS = ["one", "two", "three", "four"];

/** The frame: a caption, ticks, and `draw(x, y, width)` for what is inside; `told` is the same in a sentence. */
export function Plot({ title, note, windows, bottom = 0, top, format, told, draw, legend = [] }) {
  const x = (i) => LEFT + ((i + 0.5) * (WIDTH - LEFT)) / windows.length;
  const y = (value) => HEIGHT - BOTTOM - ((Math.min(value, top) - bottom) / (top - bottom)) * (HEIGHT - BOTTOM - TOP);
  const ticks = [bottom, (bottom + top) / 2, top];
  const ends = windows.length > 1 ? [windows[0], windows.at(-1)] : [windows[0]];
  return html`<figure>
    <figcaption><b>${title}</b> <span>${note}</span></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${told}">
      ${ticks.map(
        (tick) => html`<line class="grid" x1=${LEFT} x2=${WIDTH} y1=${y(tick)} y2=${y(tick)} />
          <text x=${LEFT - 5} y=${y(tick) + 3.5} text-anchor="end">${format(tick)}</text>`,
      )}
      ${draw(x, y, ((WIDTH - LEFT) / windows.length) * 0.72)}
      ${ends.map(({ start }, i) => html`<text x=${i ? WIDTH : LEFT} y=${HEIGHT - 4} text-anchor=${i ? "end" : "start"}>${moment(start)}</text>`)}
    </svg>
    ${legend.length > 0 && html`<p class="key">${legend.map((name, i) => html`<span><i class=${COLOURS[i]}></i>${name}</span>`)}</p>`}
  </figure>`;
}

/** Values as one stack of bars a window: [[value, value], ...]. */
export function bars(stacks, format, windows) {
  return (x, y, width) =>
    stacks.map((stack, i) => {
      let below = 0;
      return stack.map((value, k) => {
        const from = below;
        below += value;
        return html`<rect class=${COLOURS[k]} x=${x(i) - width / 2} width=${width} y=${y(below)} height=${Math.max(y(from) - y(below), 0)}>
          <title>${moment(windows[i].start)}: ${format(value)}</title></rect>`;
      });
    });
}

/** Lines through the windows that have a value: [[value or null, ...], ...]. */
export function lines(series) {
  return (x, y) =>
    series.map((values, k) => {
      const points = values.map((value, i) => (value === null ? null : [x(i), y(value)])).filter(Boolean);
      return html`<polyline class="line ${COLOURS[k]}" points=${points.join(" ")} />
        ${points.length < 60 && points.map(([cx, cy]) => html`<circle class=${COLOURS[k]} cx=${cx} cy=${cy} r="2" />`)}`;
    });
}

/** Values between their limits: [{i, value, low, high, bad}], and a level to compare with. */
export function limitsPlot(points, level) {
  return (x, y) => html`
    ${level !== null && html`<line class="level" x1=${LEFT} x2=${WIDTH} y1=${y(level)} y2=${y(level)} />`}
    ${points.map(
      ({ i, value, low, high, bad }) => html`<line class=${bad ? "whisker bad" : "whisker"} x1=${x(i)} x2=${x(i)} y1=${y(low)} y2=${y(high)} />
        <circle class=${bad ? "bad" : "one"} cx=${x(i)} cy=${y(value)} r="3" />`,
    )}`;
}

/** A round number not below any of the values. */
export function roundTop(values, least = 0) {
  const most = Math.max(least, ...values);
  const unit = 10 ** Math.floor(Math.log10(most || 1));
  return [1, 2, 4, 5, 10].map((n) => n * unit).find((n) => n >= most);
}
