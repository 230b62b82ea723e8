// A still is chosen on the command line: the page copies the command.
for (const button of document.querySelectorAll(".pick-still")) {
  button.addEventListener("click", async () => {
    const { scene, provider } = button.closest(".entry").dataset;
    const command = `storyboard pick BOARD ${scene} ${button.dataset.take} --still --provider ${provider}`;
    const copied = await navigator.clipboard?.writeText(command).then(() => true, () => false);
    say(copied ? `copied: ${command}` : command);
  });
}
