/* check of Kubernetes workloads in place of images.
 */
#pragma once

#include "cli.h"
#include "targets.h"

struct kube_choice {
	const char *images;
	bool no_images;
};

struct kube_cli {
	const struct common_options *common;
	const struct image_choice *choice;
	const struct target_choice *target;
	const struct kube_choice *kubernetes;
	struct report_options report;
	enum level fail_on;
	bool fail_never;
};

/* True where an operand names such a file: kubernetes:FILE, a name that ends in .yaml or .yml, or a
 * file that says apiVersion. */
bool cli_is_kubernetes(const char *operand);

/* The exit status. */
int cli_check_kubernetes(const struct kube_cli *o, const struct word_list *operands);
