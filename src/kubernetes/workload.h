/* Kubernetes workloads: who their containers run as, and what stands in the way of hostUsers:
 * false.
 *
 * Source: the API's own validation (pkg/apis/core/validation, validateHostUsers) and
 * kubernetes.io, concepts/workloads/pods/user-namespaces.
 */
#pragma once

#include "base/buf.h"
#include "kubernetes/value.h"
#include "target/check.h"

#define KUBE_WORKLOADS_MAX  10000 /* of one file */
#define KUBE_CONTAINERS_MAX 1000  /* of one pod */
#define KUBE_GROUPS_MAX	    1000

enum kube_trouble {
	/* The API server refuses them beside hostUsers: false. */
	KUBE_HOST_NETWORK,
	KUBE_HOST_PID,
	KUBE_HOST_IPC,
	KUBE_VOLUME_DEVICES,
	KUBE_WINDOWS,
	/* The runtime refuses, or the start fails. */
	KUBE_VOLUME_NO_IDMAP, /* its file system lacks idmapped mounts */
	KUBE_ID_INVALID,      /* no id of the API: below 0 or above 2^31-1 */
	KUBE_ID_OUTSIDE,      /* runAsUser, runAsGroup, fsGroup or a supplemental group */
	KUBE_USER_OUTSIDE,    /* the image's USER or its groups */
	/* The kubelet refuses, whatever hostUsers says. */
	KUBE_NON_ROOT_IS_ROOT,
	KUBE_NON_ROOT_BY_NAME, /* USER is a name, so that nobody can tell */
	/* It runs, and loses something. */
	KUBE_FILES,	 /* entries of the image belong to nobody */
	KUBE_PRIVILEGED, /* of the namespace's resources alone */
	KUBE_CAPABILITY, /* one that counts in the host's namespace alone */
	/* Notes. */
	KUBE_VOLUME_DEPENDS, /* on the driver or the node */
	KUBE_HOST_PATH,	     /* the host's files under other ids, or as nobody */
	KUBE_TROUBLE_COUNT
};
const char *kube_trouble_name(enum kube_trouble t); /* "host-network" */
enum level kube_trouble_level(enum kube_trouble t);

struct kube_problem {
	enum kube_trouble trouble;
	char *subject;	/* a volume, a field, a capability; or NULL */
	int64_t id;	/* of KUBE_ID_* and KUBE_USER_OUTSIDE */
	uint64_t count; /* entries of KUBE_FILES */
};
struct kube_problems {
	struct kube_problem *list;
	size_t count, cap;
};

enum kube_container_kind { KUBE_CONTAINER, KUBE_INIT_CONTAINER, KUBE_EPHEMERAL_CONTAINER };
const char *kube_container_kind_name(enum kube_container_kind k); /* "initContainer" */

/* Effective: the container's own value, else the pod's. */
struct kube_container {
	enum kube_container_kind kind;
	char *name, *image; /* as written; "" where there is none */
	size_t line;
	bool has_user, has_group, non_root;
	int64_t user, group;
	struct kube_problems problems;
	/* Once the image was looked at (kube_judge_image): who it then runs as. */
	bool looked, user_known;
	int64_t uid, gid;
	char *user_error; /* why that is not known, or NULL */
	char *not_looked; /* why it was not, or NULL */
	char *digest;	  /* of the image, or NULL */
};

struct kube_workload {
	char *kind, *name, *space; /* namespace, or "" */
	size_t line;
	bool has_host_users, host_users; /* as written */
	bool has_fs_group;
	int64_t fs_group;
	int64_t *groups; /* supplementalGroups */
	size_t group_count;
	struct kube_container *containers;
	size_t container_count;
	struct kube_problems problems; /* of the pod */
};

struct kube_file {
	struct kube_workload *workloads;
	size_t count, cap;
	uint64_t others; /* objects that run nothing */
};

/* Reads the workloads of a file's text: Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet,
 * ReplicationController, Job, CronJob, PodTemplate, and lists of them; other objects are counted.
 * The problems that need no image are told against map. ERR_BAD_INPUT where a field has another
 * type than the API's, ERR_LIMIT past the figures above. */
int kube_read(struct kube_file *out, const char *text, size_t n, const char *what,
	      const struct idmap_pair *map, const struct limits *limits,
	      struct error *err) _must_check_;
void kube_file_free(struct kube_file *f);

/* Whether a file's beginning looks like Kubernetes' YAML or JSON: text that says apiVersion. */
bool kube_looks_like(const char *text, size_t n);

/* The worst of a pod's and its container's problems; -1 where there are none. */
int kube_worst(const struct kube_problems *p);

/* Adds to c what its image brings: USER, groups, files. use: the target and its map. */
int kube_judge_image(const struct kube_workload *w, struct kube_container *c, struct image *img,
		     const struct target_use *use, struct error *err) _must_check_;

/* For this folder. subject is copied. */
int kube_problem_add(struct kube_problems *p, enum kube_trouble t, const char *subject, int64_t id,
		     struct error *err) _must_check_;
