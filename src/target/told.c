/* A finding is put together from parts, one for each way in which targets take the same fact. */
#include "target/check-internal.h"

void told_part(struct told *t, enum rule rule, enum stage stage, enum outcome outcome,
	       uint32_t targets)
{
	if (targets && t->part_count < PARTS_MAX)
		t->parts[t->part_count++] = (struct part){ rule, stage, outcome, targets };
}

void told_parts_by(struct told *t, enum rule rule, const uint32_t by[OUTCOME_COUNT],
		   uint32_t targets)
{
	for (int o = OUTCOME_ERROR; o < OUTCOME_COUNT; o++)
		told_part(t, rule, STAGE_COUNT, (enum outcome)o, targets & by[o]);
}

bool told_finish(struct told *t)
{
	t->f.level = LEVEL_NOTE;
	t->f.targets = 0;
	if (!t->part_count)
		return false;
	t->f.rule = t->parts[0].rule;
	for (size_t i = 0; i < t->part_count; i++) {
		enum level l = rule_level(t->parts[i].rule, t->parts[i].outcome);

		if (l > t->f.level) {
			t->f.level = l;
			t->f.rule = t->parts[i].rule;
		}
	}
	for (size_t i = 0; i < t->part_count; i++) {
		enum level l = rule_level(t->parts[i].rule, t->parts[i].outcome);

		if (l > LEVEL_NOTE || t->f.level == LEVEL_NOTE)
			t->f.targets |= t->parts[i].targets;
	}
	return true;
}
