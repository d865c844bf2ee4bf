// Adds a button to each line to paste. Without script, one click selects the whole line.
document.querySelectorAll("pre.replay").forEach((line) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    const selection = getSelection();
    selection.selectAllChildren(line);
    const done = () => { button.textContent = "Copied"; };
    if (navigator.clipboard) navigator.clipboard.writeText(line.textContent).then(done, () => document.execCommand("copy") && done());
    else if (document.execCommand("copy")) done();
  });
  line.before(button);
});
