// Unpacks the page's script and runs it. The page's policy runs no other text than the one that was put there.
globalThis.unpack = function (text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return inflate(packed);
};
document.addEventListener("DOMContentLoaded", function () {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(unpack(document.getElementById("code").textContent));
  document.body.append(script);
});
