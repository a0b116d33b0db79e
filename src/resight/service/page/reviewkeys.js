// The keys of Review.

export function reviewKeys(review) {
  const { viewer, toolbar } = review.stage;
  const there = (run) => (event) => review.current && run(event);
  const key = (name, label, group, run, more = {}) => ({ key: name, label, group, run: there(run), ...more });
  const pan = (name, dx, dy) => key(`Shift+${name}`, "Move both photos", "View", () => viewer.panBy(dx, dy), { repeats: true, hidden: name !== "ArrowLeft", shown: ["Shift", "← → ↑ ↓"] });
  const numbers = [..."123456789"].map((digit, index) => key(digit, "Look at a candidate; again: it is this one", "Decide",
    () => review.number(index), { hidden: index > 0, shown: ["1", "… 5"] }));
  return [
    ...numbers,
    key("Enter", "It is the one that is shown", "Decide", () => review.confirm()),
    key("n", "New animal", "Decide", () => review.decide("new")),
    key("u", "Unsure", "Decide", () => review.decide("unsure")),
    key("s", "Skip for now", "Decide", () => review.decide("skip")),
    key("x", "Cannot be told from this photo", "Decide", () => review.decide("unknown")),
    key("e", "Ask for a second opinion", "Decide", () => review.decide("second_opinion")),
    { key: "z", label: "Undo the last decision", group: "Decide", run: () => review.undo() },
    key("ArrowDown", "Next candidate", "Look", () => review.step(1), { repeats: true }),
    key("ArrowUp", "Candidate before", "Look", () => review.step(-1), { repeats: true }),
    key("ArrowRight", "Next photo of the candidate", "Look", () => review.showPhoto(review.photoIndex + 1), { repeats: true }),
    key("ArrowLeft", "Photo before", "Look", () => review.showPhoto(review.photoIndex - 1), { repeats: true }),
    key(".", "Next photo of the encounter", "Look", () => review.showQueryPhoto(review.queryIndex + 1)),
    key(",", "Photo of the encounter before", "Look", () => review.showQueryPhoto(review.queryIndex - 1)),
    key("/", "Another known animal", "Look", () => review.other()),
    key("w", "Where and when it was met", "Look", () => review.where()),
    key("g", "Ask resight again", "Look", () => review.again()),
    key("j", "Next encounter", "Look", () => review.neighbour(1)),
    key("k", "Encounter before", "Look", () => review.neighbour(-1)),
    key("l", "Lines: strongest, all, none", "View", () => toolbar.nextLines()),
    key("o", "Lay the photos over each other", "View", () => toolbar.toggleOverlay()),
    key("f", "Flip between the two, laid over", "View", () => toolbar.flipOver()),
    key("b", "Blink", "View", () => toolbar.toggleBlink()),
    key("a", "Turn and scale the candidate as the match says", "View", () => viewer.setAligned(!viewer.aligned)),
    key("c", "Contrast", "View", () => toolbar.nextContrast()),
    key("r", "Turn both by 90°", "View", () => viewer.turnBy(90)),
    key("+", "Larger", "View", () => viewer.zoomBy(1.3), { also: ["="], repeats: true }),
    key("-", "Smaller", "View", () => viewer.zoomBy(1 / 1.3), { also: ["_"], repeats: true }),
    key("0", "Fit", "View", () => viewer.fit()),
    pan("ArrowLeft", 60, 0), pan("ArrowRight", -60, 0), pan("ArrowUp", 0, 60), pan("ArrowDown", 0, -60),
  ];
}
