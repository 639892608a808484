/** Whether everything on a page can be read: a script that runs there. */

/** In the page: texts with less than 4.5:1 against what is behind them (WCAG 2.2, 1.4.3). Colours are all opaque. */
export const UNREADABLE = `(() => {
  const channels = (colour) => {
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const found = [];
  let looked = 0;
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (!hasText || !element.checkVisibility() || element.closest('.unseen, noscript')) continue;
    looked++;
    const [one, other] = [getComputedStyle(element).color, behind(element)].map((colour) => luminance(channels(colour)));
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) found.push(element.textContent + ': ' + contrast.toFixed(2));
  }
  return looked > 4 ? found : ['nothing to read'];
})()`;
