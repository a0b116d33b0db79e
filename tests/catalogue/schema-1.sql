-- A catalogue as resight 0.1.0 made it (schema version 1). Never edit: upgrades are tried on it.
BEGIN TRANSACTION;
CREATE TABLE annotations (
    id TEXT PRIMARY KEY,
    photo TEXT NOT NULL REFERENCES photos (sha256),
    box TEXT NOT NULL,
    rotation REAL NOT NULL,
    individual TEXT NOT NULL,
    individual_key TEXT NOT NULL,
    side TEXT NOT NULL,
    encounter TEXT NOT NULL,
    species TEXT NOT NULL,
    date TEXT NOT NULL,
    place TEXT NOT NULL,
    latitude REAL,
    longitude REAL,
    hidden INTEGER NOT NULL CHECK (hidden IN (0, 1)),
    UNIQUE (photo, box)
);
INSERT INTO "annotations" VALUES('c1a1787f5f489637','d6a441bfe7e8f09712a97927d56fc98879ffbce791ace14559d0442f2432ee14','',0.0,'Crush','crush','left','dive 1','','2019-05-03','',NULL,NULL,0);
INSERT INTO "annotations" VALUES('f92413f892045de0','8c3271010d5aa16b7e6a2217988e971b94d7e87a9a9c8f13da618916635a404f','',0.0,'Crush','crush','unknown','dive 1','','2019-05-03','',NULL,NULL,0);
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    decision INTEGER NOT NULL REFERENCES decisions (id),
    annotation TEXT NOT NULL,
    before TEXT,
    after TEXT
);
INSERT INTO "changes" VALUES(1,1,'c1a1787f5f489637',NULL,'{"box": "", "date": "2019-05-03", "encounter": "dive 1", "hidden": false, "individual": "Crush", "latitude": null, "longitude": null, "photo": "d6a441bfe7e8f09712a97927d56fc98879ffbce791ace14559d0442f2432ee14", "place": "", "rotation": 0.0, "side": "left", "species": ""}');
INSERT INTO "changes" VALUES(2,1,'f92413f892045de0',NULL,'{"box": "", "date": "2019-05-03", "encounter": "dive 1", "hidden": false, "individual": "", "latitude": null, "longitude": null, "photo": "8c3271010d5aa16b7e6a2217988e971b94d7e87a9a9c8f13da618916635a404f", "place": "", "rotation": 0.0, "side": "unknown", "species": ""}');
INSERT INTO "changes" VALUES(3,2,'f92413f892045de0','{"individual": ""}','{"individual": "Crush"}');
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    identification TEXT NOT NULL,
    undoes INTEGER REFERENCES decisions (id)
);
INSERT INTO "decisions" VALUES(1,'2026-11-21T23:39:28.079+00:00','ann','add','from a folder','',NULL);
INSERT INTO "decisions" VALUES(2,'2026-11-21T23:39:28.092+00:00','bob','assign','confirmed','',NULL);
CREATE TABLE photos (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    taken_at TEXT NOT NULL,
    utc_offset INTEGER,
    latitude REAL,
    longitude REAL
);
INSERT INTO "photos" VALUES('d6a441bfe7e8f09712a97927d56fc98879ffbce791ace14559d0442f2432ee14','0.png','PNG',69,6,4,'',NULL,NULL,NULL);
INSERT INTO "photos" VALUES('8c3271010d5aa16b7e6a2217988e971b94d7e87a9a9c8f13da618916635a404f','1.png','PNG',77,6,4,'',NULL,NULL,NULL);
CREATE TABLE purged (
    decision INTEGER NOT NULL REFERENCES decisions (id),
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (decision, sha256)
);
CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL, resight TEXT NOT NULL);
INSERT INTO "schema_versions" VALUES(1,'2026-11-21T23:39:28+00:00','0.1.0');
CREATE INDEX annotations_by_individual ON annotations (individual);
CREATE INDEX annotations_by_individual_key ON annotations (individual_key);
CREATE INDEX annotations_by_encounter ON annotations (encounter);
CREATE INDEX decisions_by_undoes ON decisions (undoes);
CREATE INDEX changes_by_decision ON changes (decision);
CREATE INDEX changes_by_annotation ON changes (annotation);
CREATE INDEX purged_by_sha256 ON purged (sha256)
;
CREATE TRIGGER decisions_refuse_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER decisions_refuse_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER changes_refuse_update BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'changes is append-only'); END;
CREATE TRIGGER changes_refuse_delete BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'changes is append-only'); END;
CREATE TRIGGER purged_refuse_update BEFORE UPDATE ON purged BEGIN SELECT RAISE(ABORT, 'purged is append-only'); END;
CREATE TRIGGER purged_refuse_delete BEFORE DELETE ON purged BEGIN SELECT RAISE(ABORT, 'purged is append-only'); END;
CREATE TRIGGER photos_refuse_update BEFORE UPDATE ON photos BEGIN SELECT RAISE(ABORT, 'facts about a photo never change'); END;
COMMIT;
