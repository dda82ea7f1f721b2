//! Selection to plan to parallel execution: expressions, masks and mergeable reductions over granules and collections.
