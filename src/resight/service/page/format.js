// How numbers, dates and places are written.

/** 0.973 -> "97 %"; what is not certain is never written as 0 or 100. */
export function percent(probability) {
  if (probability === null || probability === undefined) return "–";
  if (probability > 0.99 && probability < 1) return "> 99 %";
  if (probability < 0.01 && probability > 0) return "< 1 %";
  return `${Math.round(probability * 100)} %`;
}

/** count(2, "photo") -> "2 photos". */
export function count(number, noun, many = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : many}`;
}

/** "2024-07-05" or "2024-07-05T10:30:00" -> "5 Jul 2024"; "" where nothing is known. */
export function day(date) {
  const parts = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?/.exec(date ?? "");
  if (!parts) return "";
  const [, year, month, number] = parts;
  const name = month && "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[Number(month) - 1];
  return [number && Number(number), name, year].filter(Boolean).join(" ");
}

/** "2024-07-05T10:30:00" -> "10:30"; "" for a bare date. */
export const clock = (time) => /T(\d{2}:\d{2})/.exec(time ?? "")?.[1] ?? "";

/** When a decision was made, in the reader's own time zone. */
export function when(instant) {
  const moment = new Date(instant);
  if (Number.isNaN(moment.getTime())) return instant ?? "";
  const ago = (Date.now() - moment.getTime()) / 1000;
  if (ago >= 0 && ago < 60) return "just now";
  if (ago >= 0 && ago < 3600) return `${Math.floor(ago / 60)} min ago`;
  const time = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const date = `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}-${String(moment.getDate()).padStart(2, "0")}`;
  return `${day(date)}, ${time}`;
}

/** The day an annotation's animal was seen, as far as it is known. */
export const seen = (annotation) => annotation.seen_on ?? annotation.date ?? annotation.taken_at ?? "";

/** Where a photo was taken: its place, or its coordinates as exactly as this user may know them. */
export function place(annotation) {
  if (annotation.place) return annotation.place;
  const at = annotation.position;
  if (!at) return "";
  const degrees = (value, positive, negative) => `${Math.abs(value).toFixed(at.precision_km ? 1 : 4)}° ${value < 0 ? negative : positive}`;
  const around = at.precision_km ? ` (within ${at.precision_km} km)` : "";
  return `${degrees(at.latitude, "N", "S")} ${degrees(at.longitude, "E", "W")}${around}`;
}

/** "topleft" -> "top left"; "" where the side is unknown. */
export function side(name) {
  if (!name || name === "unknown") return "";
  return name.replace(/^(top|front|back)(?=.)/, "$1 ");
}

/** The facts of one annotation in one line. */
export function facts(annotation) {
  return [side(annotation.side), day(seen(annotation)), place(annotation)].filter(Boolean).join(" · ");
}
