// Draws each chart from the table below it, again when the table has changed.
(() => {
  "use strict";
  if (typeof uPlot === "undefined") return;
  const DASHES = { 1: [], 2: [8, 4], 3: [2, 3], 4: [10, 3, 2, 3], ideal: [4, 5] };
  const BURN_MARKS = [0, 1, 3, 6, 14.4, 50, 200, 1000, 5000, 20000];
  const drawn = new Map();

  // --- the table ------------------------------------------------------------------------------------

  function read(figure) {
    const heads = [...figure.querySelectorAll("thead th[data-series]")];
    const lines = [...figure.querySelectorAll("tbody tr")].map((line) => [
      Number(line.firstElementChild.dataset.at),
      ...[...line.querySelectorAll("td")].map((cell) => (cell.dataset.value === "" ? null : Number(cell.dataset.value))),
    ]);
    return {
      heads: heads.map((head) => ({ series: head.dataset.series, threshold: Number(head.dataset.threshold) || null })),
      data: [0, ...heads.map((_head, at) => at + 1)].map((column) => lines.map((line) => line[column])),
    };
  }

  // --- how it looks ---------------------------------------------------------------------------------

  // A custom property may hold light-dark(); a colour that is in use is resolved.
  function colour(figure, name) {
    const probe = document.createElement("span");
    probe.className = `probe ${name}`;
    figure.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  const plain = (value) => {
    const text = (number) => String(Number(number.toPrecision(3))).replace("-", "\u2212");
    return Math.abs(value) >= 1000 ? `${text(value / 1000)}k` : text(value);
  };
  const KINDS = {
    budget: {
      ticks: (value) => `${plain(100 * value)}%`,
      scale: { range: (_plot, low, high) => [Math.min(0, low ?? 0), Math.max(1, high ?? 1)] },
    },
    burn: {
      ticks: (value) => `${plain(value)}×`,
      // Quiet and blazing on one axis: as a logarithm far from zero, straight near it. Every threshold is in sight.
      scale: { distr: 4, asinh: 1, range: (_plot, _low, high) => [0, 1.3 * Math.max(high ?? 0, ...BURN_MARKS.slice(0, 5))] },
      splits: (plot) => BURN_MARKS.filter((mark) => mark <= plot.scales.y.max),
    },
    activity: {
      ticks: plain,
      scale: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
  };

  function options(figure, kind, heads, box) {
    const grid = colour(figure, "is-grid");
    const text = colour(figure, "is-text");
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui, sans-serif" };
    const series = heads.map(({ series: name }) => ({
      stroke: colour(figure, `series-${name}`),
      dash: DASHES[name] ?? [],
      width: name === "ideal" ? 1.5 : 2,
      fill: kind !== "burn" && name === "1" ? colour(figure, "is-area") : undefined,
      points: { show: true, size: 6, fill: colour(figure, `series-${name}`), filter: lonely },
      spanGaps: false,
    }));
    return {
      ...box,
      padding: [12, 26, 0, 0],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false } },
      scales: { y: KINDS[kind].scale },
      axes: [
        { ...axis, space: 76, values: times },
        {
          ...axis,
          size: 56,
          ...(KINDS[kind].splits ? { splits: KINDS[kind].splits, filter: (_plot, ticks) => ticks } : {}),
          values: (_plot, ticks) => ticks.map((tick) => (tick === null ? "" : KINDS[kind].ticks(tick))),
        },
      ],
      series: [{}, ...series],
      hooks: {
        setCursor: [(plot) => tell(figure, plot.cursor.idx)],
        draw: [(plot) => drawThresholds(plot, heads, series)],
      },
    };
  }

  // A point between two gaps is no line; it is drawn as a dot.
  function lonely(plot, at) {
    const values = plot.data[at];
    return values.flatMap((value, here) => (value !== null && values[here - 1] == null && values[here + 1] == null ? [here] : []));
  }

  // Times as everywhere on the page, with the date where a day begins.
  function times(_plot, ticks, _axis, _space, step) {
    return ticks.map((tick, at) => {
      const text = new Date(tick * 1000).toISOString();
      const date = text.slice(5, 10);
      if (step >= 86400) return date;
      const clock = text.slice(11, step < 60 ? 19 : 16);
      const isNewDay = at === 0 || new Date(ticks[at - 1] * 1000).toISOString().slice(5, 10) !== date;
      return isNewDay ? `${clock}\n${date}` : clock;
    });
  }

  function drawThresholds(plot, heads, series) {
    const { ctx, bbox } = plot;
    heads.forEach(({ threshold }, at) => {
      if (threshold === null || !(threshold <= plot.scales.y.max)) return;
      const y = Math.round(plot.valToPos(threshold, "y", true)) + 0.5;
      ctx.save();
      ctx.strokeStyle = series[at].stroke;
      ctx.globalAlpha = 0.8;
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.restore();
    });
  }

  // The numbers at the cursor are the words of the table's cells.
  function tell(figure, at) {
    const line = Number.isInteger(at) ? figure.querySelectorAll("tbody tr")[at] : null;
    figure.querySelectorAll("figcaption .at-cursor").forEach((place, column) => {
      place.textContent = line ? line.children[column + 1].textContent : "";
    });
  }

  // --- drawing --------------------------------------------------------------------------------------

  const boxOf = (place) => ({ width: Math.max(200, place.clientWidth), height: Math.max(120, place.clientHeight) });
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) drawn.get(target)?.plot.setSize(boxOf(target));
  });

  function draw(figure) {
    const place = figure.querySelector(".plot");
    if (!place) return;
    const { heads, data } = read(figure);
    const old = drawn.get(place);
    const shape = JSON.stringify(heads);
    if (old?.shape === shape) {
      old.plot.setData(data);
      return;
    }
    old?.plot.destroy();
    const plot = new uPlot(options(figure, figure.dataset.chart, heads, boxOf(place)), data, place);
    drawn.set(place, { plot, shape });
    if (!old) resized.observe(place);
  }

  function drawAll() {
    for (const [place, { plot }] of drawn) {
      if (place.isConnected) continue;
      plot.destroy();
      resized.unobserve(place);
      drawn.delete(place);
    }
    document.querySelectorAll("figure[data-chart]").forEach(draw);
  }

  function drawAgain() {
    for (const { plot } of drawn.values()) plot.destroy();
    drawn.clear();
    resized.disconnect();
    drawAll();
  }

  document.addEventListener("infrafabric:changed", drawAll);
  document.addEventListener("infrafabric:themed", drawAgain);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
  drawAll();
})();
