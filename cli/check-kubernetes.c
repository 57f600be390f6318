#include "check-kubernetes.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/familiar.h"
#include "report/kubernetes.h"

#define TRANSPORT  "kubernetes:"
#define PEEK_BYTES 4096

struct kube_run {
	const struct kube_cli *o;
	struct limits limits;
	struct target_use *uses;
	size_t use_count;
	struct kube_told told;
	int status; /* of images that are in no file of --images */
	/* Every image once: what to open, and the name in the files. */
	struct word_list refs, names;
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), e = strlen(end);

	return n > e && strcmp(s + n - e, end) == 0;
}

bool cli_is_kubernetes(const char *operand)
{
	char text[PEEK_BYTES];
	struct stat st;
	ssize_t n;
	int fd;

	if (strncmp(operand, TRANSPORT, strlen(TRANSPORT)) == 0)
		return true;
	if (stat(operand, &st) < 0 || !S_ISREG(st.st_mode))
		return !strchr(operand, ':') &&
		       (ends_with(operand, ".yaml") || ends_with(operand, ".yml"));
	if (ends_with(operand, ".yaml") || ends_with(operand, ".yml"))
		return true;
	fd = open(operand, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	return n > 0 && kube_looks_like(text, (size_t)n);
}

static int read_text(const char *operand, const struct limits *limits, struct buf *out,
		     struct error *err)
{
	const char *path = operand;
	char chunk[16384];
	FILE *in;
	size_t n;
	int r = 0;

	if (strncmp(path, TRANSPORT, strlen(TRANSPORT)) == 0)
		path += strlen(TRANSPORT);
	in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!in)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "%s", path);
	while (r >= 0 && (n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
		if (out->len + n > limits->v[LIMIT_YAML_SIZE])
			r = limit_passed(limits, LIMIT_YAML_SIZE, path, err);
		else if (buf_append(out, chunk, n) < 0)
			r = err_nomem(err);
	}
	if (r >= 0 && ferror(in))
		r = err_fail(err, ERR_IO, errno, "%s", path);
	if (in != stdin)
		fclose(in);
	return r;
}

static int read_file(struct kube_run *run, struct kube_told_file *f)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = read_text(f->name, &run->limits, &text, &f->why);

	if (r >= 0)
		r = kube_read(&f->file, buf_str(&text), text.len, f->name, &run->uses[0].map,
			      &run->limits, &f->why);
	if (r >= 0)
		return EXIT_FITS;
	f->failed = true;
	return cli_error(run->o->common, f->name, &f->why);
}

/* A file of --images DIR: the name with _ for / and :, as an archive or a layout. NULL where there
 * is none. */
static char *file_of(const char *dir, const char *name)
{
	static const char *const ends[] = { ".tar", ".tar.gz", "" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s%s", dir, name, ends[i]) < 0)
			return NULL;
		for (char *p = path + strlen(dir) + 1; *p; p++)
			*p = strchr("/:@", *p) ? '_' : *p;
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* What to open for an image's name: kubelet's reading of it, in the registry or where --images
 * says. NULL where there is nothing to look at. */
static int reference(struct kube_run *run, const char *name, char **out, struct error *err)
{
	const char *images = run->o->kubernetes->images;
	_cleanup_(freep) char *full = familiar_full(name);
	struct stat st;

	*out = NULL;
	if (!full)
		return err_nomem(err);
	if (images && stat(images, &st) == 0 && S_ISDIR(st.st_mode)) {
		*out = file_of(images, name);
		*out = *out ? *out : file_of(images, full);
		return 0;
	}
	if (asprintf(out, "%s%s", images ? images : "docker://", images ? name : full) < 0)
		return err_nomem(err);
	return 0;
}

typedef int container_fn(struct kube_run *run, struct kube_workload *w, struct kube_container *c,
			 void *ctx, struct error *err);

static int each_container(struct kube_run *run, container_fn *fn, void *ctx, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < run->told.count; i++)
		for (size_t k = 0; k < run->told.files[i].file.count; k++) {
			struct kube_workload *w = &run->told.files[i].file.workloads[k];

			for (size_t n = 0; n < w->container_count && r >= 0; n++)
				r = fn(run, w, &w->containers[n], ctx, err);
		}
	return r;
}

static int not_looked(struct kube_container *c, const char *why, struct error *err)
{
	free(c->not_looked);
	c->not_looked = strdup(why);
	return c->not_looked ? 0 : err_nomem(err);
}

static int not_in_folder(struct kube_run *run, struct kube_container *c, struct error *err)
{
	struct error why = { 0 };

	err_fail(&why, ERR_NOT_FOUND, 0, "--images has no file of that name");
	run->status = cli_error(run->o->common, c->image, &why);
	return not_looked(c, why.msg, err);
}

static int collect(struct kube_run *run, struct kube_workload *w, struct kube_container *c,
		   void *ctx, struct error *err)
{
	char *ref = NULL;
	int r;

	(void)w, (void)ctx;
	if (!c->image[0])
		return not_looked(c, "none is named", err);
	if (run->o->kubernetes->no_images)
		return not_looked(c, "--no-images", err);
	for (size_t i = 0; i < run->names.count; i++)
		if (strcmp(run->names.words[i], c->image) == 0)
			return 0;
	r = reference(run, c->image, &ref, err);
	if (r < 0)
		return r;
	if (!ref)
		return not_in_folder(run, c, err);
	if (word_list_add(&run->refs, ref) < 0) {
		free(ref);
		return err_nomem(err);
	}
	return word_list_add(&run->names, c->image) < 0 ? err_nomem(err) : 0;
}

struct looked {
	const char *ref;
	struct image *img;
	const struct error *why;
};

/* Two names of the files may lead to one reference (app and app:latest). */
static bool is_of(const struct kube_run *run, const struct kube_container *c, const char *ref)
{
	for (size_t i = 0; i < run->names.count; i++)
		if (strcmp(run->names.words[i], c->image) == 0)
			return strcmp(run->refs.words[i], ref) == 0;
	return false;
}

static int judge(struct kube_run *run, struct kube_workload *w, struct kube_container *c, void *ctx,
		 struct error *err)
{
	const struct looked *l = ctx;

	if (c->looked || !is_of(run, c, l->ref))
		return 0;
	if (l->why)
		return not_looked(c, l->why->msg, err);
	return kube_judge_image(w, c, l->img, run->uses, err);
}

static int one_image(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err)
{
	struct looked l = { .ref = label, .img = img };
	int r = each_container(ctx, judge, &l, err);

	(void)notes;
	return r < 0 ? r : EXIT_FITS;
}

static int failed_image(void *ctx, const char *label, const struct error *why, struct error *err)
{
	struct looked l = { .ref = label, .why = why };

	return each_container(ctx, judge, &l, err);
}

static int look_at_images(struct kube_run *run, struct error *err)
{
	struct cli_images how = {
		.common = run->o->common,
		.choice = run->o->choice,
		.ctx = run,
		.image = one_image,
		.failed = failed_image,
		.one = true,
		.out = run->o->report.out,
	};
	int r = each_container(run, collect, NULL, err);

	if (r < 0 || !run->refs.count)
		return r < 0 ? r : run->status;
	return exit_worse(run->status, cli_each_image(&how, &run->refs));
}

static bool unfit(const struct kube_run *run)
{
	int worst = -1;

	for (size_t i = 0; i < run->told.count; i++)
		for (size_t k = 0; k < run->told.files[i].file.count; k++) {
			const struct kube_workload *w = &run->told.files[i].file.workloads[k];

			worst = MAX(worst, kube_worst(&w->problems));
			for (size_t n = 0; n < w->container_count; n++)
				worst = MAX(worst, kube_worst(&w->containers[n].problems));
		}
	return !run->o->fail_never && worst >= (int)run->o->fail_on;
}

static int prepare(struct kube_run *run, const struct word_list *operands, struct error *err)
{
	static const char *const kubernetes[] = { "kubernetes" };
	struct target_choice target = *run->o->target;
	int r = 0;

	run->limits = limits_default();
	for (size_t i = 0; i < run->o->common->limit.count && r >= 0; i++)
		r = limits_set(&run->limits, run->o->common->limit.words[i], err);
	if (!target.targets.count)
		target.targets = (struct word_list){ (const char **)(void *)kubernetes, 1 };
	if (r >= 0)
		r = cli_targets(&run->uses, &run->use_count, &target, run->o->common, err);
	if (r >= 0 && run->use_count != 1)
		r = err_fail(err, ERR_USAGE, 0, "check: one target for Kubernetes files");
	if (r < 0)
		return r;
	run->told.use = run->uses;
	run->told.files = calloc(operands->count, sizeof(*run->told.files));
	if (!run->told.files)
		return err_nomem(err);
	run->told.count = operands->count;
	for (size_t i = 0; i < operands->count; i++)
		run->told.files[i].name = operands->words[i];
	return 0;
}

static void run_free(struct kube_run *run)
{
	for (size_t i = 0; i < run->told.count; i++)
		kube_file_free(&run->told.files[i].file);
	for (size_t i = 0; i < run->refs.count; i++)
		free((char *)(void *)run->refs.words[i]);
	free(run->refs.words);
	free(run->names.words);
	free(run->told.files);
	target_uses_free(run->uses, run->use_count);
}

int cli_check_kubernetes(const struct kube_cli *o, const struct word_list *operands)
{
	struct kube_run run = { .o = o };
	struct error err = { 0 };
	int status = EXIT_FITS, r = prepare(&run, operands, &err);

	for (size_t i = 0; r >= 0 && i < operands->count; i++)
		status = exit_worse(status, read_file(&run, &run.told.files[i]));
	if (r >= 0)
		r = look_at_images(&run, &err);
	if (r >= 0) {
		status = exit_worse(status, r);
		r = kube_report(&o->report, &run.told, &err);
	}
	if (r < 0)
		status = exit_worse(status, cli_error(o->common, NULL, &err));
	else if (unfit(&run))
		status = exit_worse(status, EXIT_UNFIT);
	run_free(&run);
	return status;
}
