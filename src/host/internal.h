/* Between the readers of this folder. Each fills its part of a zeroed struct host, which owns it.
 */
#pragma once

#include "host/file.h"
#include "host/host.h"

/* A user by name or number: 0, 1 where nobody has it (a number then stands without a name). The
 * passwd file below root counts, or NSS where root is "". */
int host_user_find(struct host_user *out, const char *root, const char *text,
		   struct error *err) _must_check_;
/* His ranges, of both files and of libsubid (this host only). */
int host_user_spans(struct host_user *u, const struct host *h, struct error *err) _must_check_;
void host_user_free(struct host_user *u);
int host_accounts(struct host *h, struct error *err) _must_check_;

int host_docker_look(struct host *h, struct error *err) _must_check_;
int host_podman_look(struct host *h, struct error *err) _must_check_;
int host_helpers_look(struct host *h, struct error *err) _must_check_;
int host_kernel_look(struct host *h, struct error *err) _must_check_;
int host_process_look(struct host *h, struct error *err) _must_check_;
