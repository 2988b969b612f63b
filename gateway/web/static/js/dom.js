// Elements made of text only: nothing that comes from outside is ever read as HTML.

// el("p", { class: "small", hidden: true }, "text", otherElement)
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

export function setText(element, wanted) {
  // Unchanged text is left alone: writing it again would make screen readers speak it again.
  if (element.textContent !== wanted) element.textContent = wanted;
}
