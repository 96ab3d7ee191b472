/**
 * The address of the page to be shared. In a Space it lives in a frame, whose own is not that.
 * @param {string} space the id of a Hugging Face Space, or ""
 */
export function pageAddress(space) {
  const framed = window.parent !== window && space;
  return framed ? `https://huggingface.co/spaces/${space}` : location.origin + location.pathname;
}
