// Files from a drop or a file dialog, folders and all they hold included.

/** Whether something dragged over the page is files. */
export const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** All files of a drop, those in folders after them. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const files = [];
  for (const entry of entries) await collect(entry, files);
  return files;
}

async function collect(entry, files) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    if (!file.name.startsWith(".")) files.push(file);
  } else if (entry.isDirectory) {
    const reader = entry.createReader();
    let some;
    do { // a reader gives a hundred at a time
      some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      for (const each of some) await collect(each, files);
    } while (some.length);
  }
}
