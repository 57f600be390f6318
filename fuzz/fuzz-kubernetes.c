/* Kubernetes' YAML: workloads whose promises hold, or a message. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "idmap/notation.h"
#include "kubernetes/workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct kube_problems *p)
{
	for (size_t i = 0; i < p->count; i++)
		require(p->list[i].trouble < KUBE_TROUBLE_COUNT && kube_trouble_name(p->list[i].trouble));
	require(kube_worst(p) >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = limits_default();
	struct idmap_pair map = { 0 };
	struct error err = { 0 };
	struct kube_file f;

	limits.v[LIMIT_YAML_VALUES] = 20000;
	require(idmap_parse(&map, "0-65535", IDMAP_BOTH, &err) >= 0);
	if (kube_read(&f, (const char *)data, size, "x", &map, &limits, &err) < 0)
		require(err.msg[0] && text_is_utf8(err.msg, strlen(err.msg)) && !f.count);
	for (size_t i = 0; i < f.count; i++) {
		const struct kube_workload *w = &f.workloads[i];

		require(w->kind && w->name && w->space && w->line && w->container_count <= KUBE_CONTAINERS_MAX);
		check(&w->problems);
		for (size_t k = 0; k < w->container_count; k++) {
			require(w->containers[k].name && w->containers[k].image);
			check(&w->containers[k].problems);
		}
	}
	kube_file_free(&f);
	idmap_pair_free(&map);
	return 0;
}
