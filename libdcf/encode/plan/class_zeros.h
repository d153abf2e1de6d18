// SPDX-License-Identifier: Apache-2.0
// Zero bits by class (spec, section 8.2, class-split): rows or columns whose words end in more
// zeros than all words of the tensor do, as where some rows were f16 once.
#pragma once

#include "encode/plan/class_plan.h"

namespace dcf::impl::encode {

// What the zeros of the units of an axis save beside those of the whole tensor, in 1/64 bit, as a
// sample shows it; 0: nothing. `plain`: split values without classes. Fails as a store does.
Result<uint64_t> estimate_zeros(const Content& content, ClassAxis axis, const ValuePlan& plain);

// The best classes with z of their own along an axis: those of `classes`, which has others or none,
// divided by the zeros of their units. Nothing where no class has more zeros than all have. Fails
// with LimitMemory, or as a store does.
Result<std::optional<ClassPlan>> plan_zeros(const Content& content, ClassAxis axis,
                                            const ValuePlan& plain,
                                            const std::optional<ClassPlan>& classes,
                                            uint64_t chunks, const Work& work);

}  // namespace dcf::impl::encode
