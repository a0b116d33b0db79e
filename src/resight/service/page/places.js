// Places on the Earth as a small flat map: distances, and where things go on a plane.

const RADIUS = 6371; // km
const DEGREE = (RADIUS * Math.PI) / 180; // km along a meridian
const STEPS = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60];
const LEAST = 0.4; // km that a map shows at least

const radians = (degrees) => (degrees * Math.PI) / 180;

/** Kilometres along the ground between {latitude, longitude} and another (haversine). */
export function kilometres(a, b) {
  const [lat, other] = [radians(a.latitude), radians(b.latitude)];
  const across = radians(b.longitude - a.longitude);
  const haversine = Math.sin((other - lat) / 2) ** 2 + Math.cos(lat) * Math.cos(other) * Math.sin(across / 2) ** 2;
  return 2 * RADIUS * Math.asin(Math.sqrt(Math.min(1, haversine)));
}

/** 0.35 -> "350 m", 2.345 -> "2.3 km", 1234 -> "1,234 km". */
export function distance(km) {
  if (km < 0.95) return `${Math.round(km * 100) * 10} m`;
  return km < 20 ? `${Number(km.toFixed(1))} km` : `${Math.round(km).toLocaleString("en")} km`;
}

/** -12.3456, 2 digits -> "12.35° S". */
export function degrees(value, [positive, negative], digits) {
  const text = Math.abs(value).toFixed(digits);
  return `${text}°${Number(text) === 0 ? "" : ` ${value < 0 ? negative : positive}`}`;
}

/**
 * Where points go on a map of width x height pixels, north up: kilometres are the same everywhere
 * on it, as they are in the middle (equirectangular; good for what one animal roams).
 * {at(point) -> [x, y], km: pixels of a kilometre, parallels and meridians: [{degrees, at}], digits}
 */
export function layout(points, [width, height]) {
  const first = points[0].longitude; // longitudes go on across the 180th meridian
  const unwrapped = ({ longitude }) => first + ((((longitude - first + 180) % 360) + 360) % 360) - 180;
  const [south, north] = reach(points.map(({ latitude }) => latitude));
  const [west, east] = reach(points.map(unwrapped));
  const middle = [(west + east) / 2, (south + north) / 2];
  const narrow = Math.max(0.01, Math.cos(radians(middle[1])));
  const most = Math.max(0, ...points.map(({ precision_km: km }) => km ?? 0)) * 1.2;
  const wide = Math.max(LEAST, most, (east - west) * DEGREE * narrow);
  const high = Math.max(LEAST, most, (north - south) * DEGREE);
  const km = Math.min((width * 0.7) / wide, (height * 0.7) / high);
  const x = (longitude) => width / 2 + (longitude - middle[0]) * DEGREE * narrow * km;
  const y = (latitude) => height / 2 - (latitude - middle[1]) * DEGREE * km;
  const step = STEPS.find((each) => (height / (DEGREE * km)) / each <= 4) ?? 60;
  const lines = (low, high_, at) => {
    const found = [];
    for (let number = Math.ceil(low / step); number * step <= high_; number += 1) found.push({ degrees: number * step, at: at(number * step) });
    return found;
  };
  const half = [width / 2 / (DEGREE * narrow * km), height / 2 / (DEGREE * km)];
  return {
    at: (point) => [x(unwrapped(point)), y(point.latitude)], km,
    parallels: lines(Math.max(-90, middle[1] - half[1]), Math.min(90, middle[1] + half[1]), y),
    meridians: lines(middle[0] - half[0], middle[0] + half[0], x).map((each) => ({ ...each, degrees: ((((each.degrees + 180) % 360) + 360) % 360) - 180 })),
    digits: Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)),
  };
}

const reach = (values) => [Math.min(...values), Math.max(...values)];

/** The longest round number of kilometres that is at most `most` pixels: [km, pixels]. */
export function scaleBar(km, most) {
  const limit = most / km;
  const power = 10 ** Math.floor(Math.log10(limit));
  const round = [5, 2, 1].map((each) => each * power).find((each) => each <= limit * 1.000001);
  return [round, round * km];
}
