/**
 * Return the address of the page for sharing. In a Space, that is not the address of its frame.
 * @param {string} space the id of a Hugging Face Space, or ""
 */
export function pageAddress(space) {
  const framed = window.parent !== window && space;
  return framed ? `https://huggingface.co/spaces/${space}` : location.origin + location.pathname;
}
