/* Inventories as rows of an SQLite file.
 *
 * It trusts the file no more than a disk: each row has a sum of its own, and what it holds is
 * decoded as if it came from a stranger. It gives up durability: a cache that a crash has damaged
 * is made anew. A rollback journal and not WAL, since homes lie on NFS too, where WAL's shared
 * memory does not work; transactions are short, so that readers hardly wait.
 */
#include "inventory/cache.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "inventory/cache-place.h"
#include "inventory/cache-value.h"

#define APPLICATION  0x55494643 /* "UIDC" */
#define VERSION	     1
#define BUSY_MS	     200
#define PAGE_SIZE    16384 /* values are large: fewer pages a value */
#define ROW_COST     1024  /* bytes that a row takes beside its value, about */
#define TOUCH_EVERY  3600  /* seconds: so fine is "used last" */
#define KEEP_EIGHTHS 7	   /* of the bound, once something has to go */

enum statement {
	FIND,
	TOUCH,
	INSERT,
	DROP,
	TOTAL,
	OLDEST,
	DROP_ID,
	BEGIN,
	COMMIT,
	ROLLBACK,
	COUNT
};

static const char *const texts[COUNT] = {
	[FIND] = "SELECT id, verified, used, sum FROM layers "
		 "WHERE digest = ?1 AND toc = ?2 AND reading = ?3",
	[TOUCH] = "UPDATE layers SET used = ?2 WHERE id = ?1",
	[INSERT] = "INSERT INTO layers (digest, toc, reading, verified, size, used, sum, value) "
		   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, zeroblob(?8))",
	[DROP] = "DELETE FROM layers WHERE digest = ?1 AND toc = ?2 AND reading = ?3",
	[TOTAL] = "SELECT total(size) FROM layers",
	[OLDEST] = "SELECT id, size FROM layers ORDER BY used, id LIMIT 1",
	[DROP_ID] = "DELETE FROM layers WHERE id = ?1",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

static const char schema[] =
	"CREATE TABLE layers (id INTEGER PRIMARY KEY, digest TEXT NOT NULL, toc TEXT NOT NULL, "
	"reading TEXT NOT NULL, verified INTEGER NOT NULL, size INTEGER NOT NULL, "
	"used INTEGER NOT NULL, sum TEXT NOT NULL, value BLOB NOT NULL, "
	"UNIQUE (digest, toc, reading));"
	"CREATE INDEX layers_used ON layers (used, size);";

struct inventory_cache {
	pthread_mutex_t lock; /* around all below */
	char *folder;	      /* or NULL: the user's own */
	uint64_t size;
	const struct limits *limits;
	struct notes *notes;
	char reading[CACHE_READING_MAX];
	bool tried, off, rebuilt, full;
	struct cache_place place;
	sqlite3 *db;
	sqlite3_stmt *statements[COUNT];
};

/* INV_VERIFIED_STORE is never kept. */
static unsigned rank(enum inv_verified v)
{
	static const unsigned ranks[] = {
		[INV_VERIFIED_FULL] = 3, [INV_VERIFIED_BLOB] = 2, [INV_VERIFIED_TOC] = 1
	};

	return (size_t)v < ARRAY_SIZE(ranks) ? ranks[v] : 0;
}

/* SQLite resolves symbolic links before it opens a name, and would so lose the descriptor that the
 * name begins with. */
static int full_name(_unused_ sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static sqlite3_vfs own_vfs;

static void register_vfs(void)
{
	const sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");

	if (!unix_vfs)
		return;
	own_vfs = *unix_vfs;
	own_vfs.zName = "uidfit";
	own_vfs.pNext = NULL;
	own_vfs.xFullPathname = full_name;
	sqlite3_vfs_register(&own_vfs, 0);
}

static void close_db(struct inventory_cache *c)
{
	for (size_t i = 0; i < COUNT; i++)
		sqlite3_finalize(STEAL(c->statements[i]));
	sqlite3_close(STEAL(c->db));
}

/* A number that a statement of one row gives; *rc tells whether. */
static sqlite3_int64 ask_number(sqlite3 *db, const char *sql, int *rc)
{
	sqlite3_stmt *s = NULL;
	sqlite3_int64 v = 0;

	if (*rc == SQLITE_OK)
		*rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
	if (*rc == SQLITE_OK) {
		*rc = sqlite3_step(s);
		if (*rc == SQLITE_ROW)
			v = sqlite3_column_int64(s, 0);
		*rc = *rc == SQLITE_ROW ? SQLITE_OK : *rc == SQLITE_DONE ? SQLITE_CORRUPT : *rc;
	}
	sqlite3_finalize(s);
	return v;
}

static int run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int configure(struct inventory_cache *c)
{
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, CACHE_VALUE_MAX + (1 << 16));
	sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
	return run(c->db, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; "
			  "PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY");
}

/* An empty file becomes a cache; another process may be doing the same. */
static int make_schema(struct inventory_cache *c)
{
	char sql[200];
	int rc;

	/* Of effect before the first table alone. */
	snprintf(sql, sizeof(sql), "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL",
		 PAGE_SIZE);
	rc = run(c->db, sql);
	if (rc == SQLITE_OK)
		rc = run(c->db, "BEGIN IMMEDIATE");
	if (rc != SQLITE_OK)
		return rc;
	if (ask_number(c->db, "SELECT count(*) FROM sqlite_schema", &rc) == 0 && rc == SQLITE_OK) {
		snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d",
			 APPLICATION, VERSION);
		rc = run(c->db, schema);
		if (rc == SQLITE_OK)
			rc = run(c->db, sql);
	}
	if (rc == SQLITE_OK)
		rc = run(c->db, "COMMIT");
	if (rc != SQLITE_OK)
		run(c->db, "ROLLBACK");
	return rc;
}

/* SQLITE_OK where the file is a cache of ours, SQLITE_MISMATCH of one of a later version. */
static int check_schema(struct inventory_cache *c)
{
	int rc = SQLITE_OK;
	bool empty = ask_number(c->db, "SELECT count(*) FROM sqlite_schema", &rc) == 0;
	sqlite3_int64 application, version;

	if (rc == SQLITE_OK && empty)
		rc = make_schema(c);
	application = ask_number(c->db, "PRAGMA application_id", &rc);
	version = ask_number(c->db, "PRAGMA user_version", &rc);
	if (rc != SQLITE_OK)
		return rc;
	if (application == APPLICATION && version > VERSION)
		return SQLITE_MISMATCH;
	return application == APPLICATION && version == VERSION ? SQLITE_OK : SQLITE_NOTADB;
}

static int prepare(struct inventory_cache *c)
{
	for (size_t i = 0; i < COUNT; i++) {
		int rc = sqlite3_prepare_v3(c->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &c->statements[i], NULL);

		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int open_db(struct inventory_cache *c)
{
	int rc = sqlite3_open_v2(c->place.name, &c->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_PRIVATECACHE,
				 "uidfit");

	if (rc == SQLITE_OK)
		rc = configure(c);
	if (rc == SQLITE_OK)
		rc = check_schema(c);
	/* A header that forbids writing, which nothing else does, was not written here. */
	if (rc == SQLITE_OK && sqlite3_db_readonly(c->db, "main") == 1 &&
	    access(c->place.name, W_OK) == 0)
		rc = SQLITE_NOTADB;
	if (rc == SQLITE_OK)
		rc = prepare(c);
	if (rc != SQLITE_OK)
		close_db(c);
	/* The statements are right: what they are put to is not. */
	return rc == SQLITE_ERROR ? SQLITE_NOTADB : rc;
}

static bool is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ||
	       rc == SQLITE_IOERR_SHORT_READ;
}

/* Opens what is there, once more where it had to be removed. Locked or forbidden: no cache, this
 * time. */
static void open_place(struct inventory_cache *c)
{
	int rc = SQLITE_NOTADB;

	for (int i = 0; i < 2 && is_damage(rc); i++) {
		if (!cache_place_file(&c->place, c->notes)) {
			c->off = true;
			return;
		}
		rc = open_db(c);
		if (!is_damage(rc) || c->rebuilt)
			break;
		c->rebuilt = true;
		notes_add(c->notes, "the cache was damaged and is made anew");
		cache_place_remove(&c->place);
	}
	if (rc == SQLITE_MISMATCH)
		notes_add(c->notes, "the cache belongs to a later version of uidfit: not used");
	c->off = rc != SQLITE_OK;
}

static bool is_open(struct inventory_cache *c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!c->tried) {
		c->tried = true;
		pthread_once(&once, register_vfs);
		c->off = !cache_place_open(&c->place, c->folder, c->notes);
		if (!c->off)
			open_place(c);
	}
	return !c->off;
}

/* What to do about a failure: a damaged file is made anew, once; one that cannot be written is not
 * written again. */
static void failed(struct inventory_cache *c, int rc, bool writing)
{
	if (is_damage(rc)) {
		close_db(c);
		c->off = c->rebuilt;
		if (c->off)
			return;
		c->rebuilt = true;
		notes_add(c->notes, "the cache was damaged and is made anew");
		cache_place_remove(&c->place);
		open_place(c);
	} else if (writing && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED) {
		if ((rc & 0xff) == SQLITE_FULL && !c->full)
			notes_add(c->notes, "the cache cannot be written: the disk is full");
		c->full = true;
	}
}

/* Runs a statement without rows. */
static int step(struct inventory_cache *c, enum statement which)
{
	int rc = sqlite3_step(c->statements[which]);

	sqlite3_reset(c->statements[which]);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void bind_key(struct inventory_cache *c, enum statement which, const struct cache_key *key)
{
	sqlite3_stmt *s = c->statements[which];

	sqlite3_bind_text(s, 1, key->digest->text, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, key->toc ? key->toc->text : "", -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, c->reading, -1, SQLITE_STATIC);
}

struct row {
	sqlite3_int64 id, used;
	enum inv_verified verified;
	char sum[DIGEST_HEX_MAX + 1];
	uint8_t *value;
	size_t len;
};

static int read_value(struct inventory_cache *c, struct row *row)
{
	sqlite3_blob *blob = NULL;
	int n, rc = sqlite3_blob_open(c->db, "main", "layers", "value", row->id, 0, &blob);

	if (rc != SQLITE_OK) {
		sqlite3_blob_close(blob);
		return rc == SQLITE_ERROR ? SQLITE_CORRUPT : rc;
	}
	n = sqlite3_blob_bytes(blob);
	row->value = n >= 0 && (unsigned)n <= CACHE_VALUE_MAX ? malloc((size_t)n + 1) : NULL;
	row->len = (size_t)n;
	rc = row->value ? sqlite3_blob_read(blob, row->value, n, 0) : SQLITE_NOMEM;
	sqlite3_blob_close(blob);
	return rc;
}

/* SQLITE_OK with row->value, which is NULL where there is no such row. The statement stays open
 * while the value is read: so both are of one transaction. */
static int find(struct inventory_cache *c, const struct cache_key *key, enum inv_verified least,
		bool with_value, struct row *row)
{
	sqlite3_stmt *s = c->statements[FIND];
	int rc;

	bind_key(c, FIND, key);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const char *sum = (const char *)sqlite3_column_text(s, 3);

		row->id = sqlite3_column_int64(s, 0);
		row->verified = (enum inv_verified)sqlite3_column_int(s, 1);
		row->used = sqlite3_column_int64(s, 2);
		snprintf(row->sum, sizeof(row->sum), "%s", sum ? sum : "");
		rc = SQLITE_OK;
		if (with_value && rank(row->verified) && rank(row->verified) >= rank(least))
			rc = read_value(c, row);
	} else if (rc == SQLITE_DONE) {
		rc = SQLITE_OK;
	}
	sqlite3_reset(s);
	return rc;
}

static void touch(struct inventory_cache *c, const struct row *row)
{
	sqlite3_int64 now = time(NULL);
	int rc;

	if (c->full || (row->used <= now && now - row->used < TOUCH_EVERY))
		return;
	sqlite3_bind_int64(c->statements[TOUCH], 1, row->id);
	sqlite3_bind_int64(c->statements[TOUCH], 2, now);
	rc = step(c, TOUCH);
	if (rc != SQLITE_OK)
		failed(c, rc, true);
}

static void drop(struct inventory_cache *c, const struct cache_key *key)
{
	int rc;

	pthread_mutex_lock(&c->lock);
	notes_add(c->notes, "a damaged entry of the cache was removed");
	if (is_open(c)) {
		bind_key(c, DROP, key);
		rc = step(c, DROP);
		if (rc != SQLITE_OK)
			failed(c, rc, true);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Whether inv is what key names, by its own word. */
static bool is_named(const struct cache_key *key, const struct layer_inventory *inv)
{
	return key->toc || strcmp(key->digest->text, inv->blob_digest.text) == 0;
}

int inventory_cache_get(struct inventory_cache *c, const struct cache_key *key,
			enum inv_verified least, size_t spool_memory, struct layer_inventory **out,
			enum inv_verified *verified)
{
	char sum[DIGEST_HEX_MAX + 1];
	struct row row = { 0 };
	struct error err = { 0 };
	int rc = SQLITE_ERROR, r;

	if (!c)
		return 1;
	pthread_mutex_lock(&c->lock);
	if (is_open(c)) {
		rc = find(c, key, least, true, &row);
		if (rc != SQLITE_OK)
			failed(c, rc, false);
		else if (row.value)
			touch(c, &row);
	}
	pthread_mutex_unlock(&c->lock);
	if (rc != SQLITE_OK || !row.value) {
		free(row.value);
		return 1;
	}
	r = cache_value_sum(sum, key, c->reading, row.verified, row.value, row.len);
	if (r == 0 && strcmp(sum, row.sum) != 0)
		r = -ERR_BAD_INPUT;
	if (r == 0)
		r = cache_value_unpack(out, row.value, row.len, c->limits, spool_memory, &err);
	if (r == 0 && !is_named(key, *out)) {
		layer_inventory_free(STEAL(*out));
		r = -ERR_BAD_INPUT;
	}
	free(row.value);
	/* Short of memory or of room for a spool: that is no fault of the row. */
	if (r < 0 && r != -ERR_NOMEM && r != -ERR_IO)
		drop(c, key);
	*verified = row.verified;
	return r < 0 ? 1 : 0;
}

/* What was used longest ago goes until the bound holds. */
static int evict(struct inventory_cache *c, bool *evicted)
{
	sqlite3_stmt *oldest = c->statements[OLDEST];
	int rc = sqlite3_step(c->statements[TOTAL]);
	double total = rc == SQLITE_ROW ? sqlite3_column_double(c->statements[TOTAL], 0) : 0;

	sqlite3_reset(c->statements[TOTAL]);
	if (rc != SQLITE_ROW)
		return rc;
	*evicted = total > (double)c->size;
	for (rc = SQLITE_OK; *evicted && rc == SQLITE_OK && total > 0 &&
			     total > (double)c->size / 8 * KEEP_EIGHTHS;) {
		rc = sqlite3_step(oldest);
		if (rc == SQLITE_ROW) {
			total -= sqlite3_column_double(oldest, 1);
			sqlite3_bind_int64(c->statements[DROP_ID], 1,
					   sqlite3_column_int64(oldest, 0));
		}
		sqlite3_reset(oldest);
		if (rc != SQLITE_ROW)
			return rc == SQLITE_DONE ? SQLITE_OK : rc;
		rc = step(c, DROP_ID);
	}
	return rc;
}

static int insert(struct inventory_cache *c, const struct cache_key *key, const struct row *row)
{
	sqlite3_stmt *s = c->statements[INSERT];
	sqlite3_blob *blob = NULL;
	int rc;

	bind_key(c, DROP, key);
	rc = step(c, DROP);
	if (rc != SQLITE_OK)
		return rc;
	bind_key(c, INSERT, key);
	sqlite3_bind_int(s, 4, (int)row->verified);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)row->len + ROW_COST);
	sqlite3_bind_int64(s, 6, time(NULL));
	sqlite3_bind_text(s, 7, row->sum, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 8, (sqlite3_int64)row->len);
	rc = step(c, INSERT);
	if (rc != SQLITE_OK)
		return rc;
	/* Written in place: a bound value would be copied twice. */
	rc = sqlite3_blob_open(c->db, "main", "layers", "value", sqlite3_last_insert_rowid(c->db),
			       1, &blob);
	if (rc == SQLITE_OK)
		rc = sqlite3_blob_write(blob, row->value, (int)row->len, 0);
	if (rc == SQLITE_OK)
		rc = sqlite3_blob_close(blob);
	else
		sqlite3_blob_close(blob);
	return rc;
}

static int store(struct inventory_cache *c, const struct cache_key *key, const struct row *row)
{
	struct row there = { .id = -1 };
	bool evicted = false;
	int rc = step(c, BEGIN);

	if (rc != SQLITE_OK)
		return rc;
	rc = find(c, key, row->verified, false, &there);
	if (rc == SQLITE_OK && (there.id < 0 || rank(there.verified) < rank(row->verified))) {
		rc = insert(c, key, row);
		if (rc == SQLITE_OK)
			rc = evict(c, &evicted);
	}
	if (rc == SQLITE_OK)
		rc = step(c, COMMIT);
	if (rc != SQLITE_OK)
		step(c, ROLLBACK);
	else if (evicted)
		run(c->db, "PRAGMA incremental_vacuum");
	return rc;
}

/* Encoding takes memory: one at a time, under the lock. */
void inventory_cache_put(struct inventory_cache *c, const struct cache_key *key,
			 enum inv_verified verified, const struct layer_inventory *inv)
{
	_cleanup_(buf_freep) struct buf value = { 0 };
	struct row row = { .verified = verified };
	struct error err = { 0 };
	int rc;

	if (!c || !rank(verified) || !key->digest->text[0] ||
	    (verified == INV_VERIFIED_TOC) != (key->toc != NULL) || !is_named(key, inv))
		return;
	pthread_mutex_lock(&c->lock);
	if (is_open(c) && !c->full && cache_value_pack(&value, inv, &err) == 0 &&
	    value.len + ROW_COST <= c->size / 8 * KEEP_EIGHTHS &&
	    cache_value_sum(row.sum, key, c->reading, verified, value.data, value.len) == 0) {
		row.value = value.data;
		row.len = value.len;
		rc = store(c, key, &row);
		if (rc != SQLITE_OK)
			failed(c, rc, true);
	}
	pthread_mutex_unlock(&c->lock);
}

void inventory_cache_open(struct inventory_cache **out, const char *folder, uint64_t size,
			  const struct limits *limits, struct notes *notes)
{
	struct inventory_cache *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return;
	c->place.dir = -1;
	c->folder = folder ? strdup(folder) : NULL;
	if ((folder && !c->folder) || pthread_mutex_init(&c->lock, NULL)) {
		free(c->folder);
		free(c);
		return;
	}
	c->size = size ? size : CACHE_SIZE;
	c->limits = limits;
	c->notes = notes;
	cache_reading(c->reading, limits);
	*out = c;
}

void inventory_cache_close(struct inventory_cache *c)
{
	if (!c)
		return;
	close_db(c);
	cache_place_close(&c->place);
	pthread_mutex_destroy(&c->lock);
	free(c->folder);
	free(c);
}
