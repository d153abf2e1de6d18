// SPDX-License-Identifier: Apache-2.0
#include "cli/page/style.h"

namespace dcf::tools::html {

std::string_view style_sheet() {
  return R"css(
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--soft:#5b6570;--line:#d5dae0;--stripe:#f5f7f9;
--s0:#0b62b0;--s1:#c2500a;--s2:#0a7f5a;--s3:#9a3f9a;--s4:#8a6a00;--s5:#59636e}
@media (prefers-color-scheme:dark){:root{--back:#14171b;--text:#e4e8ec;--soft:#9aa5b1;--line:#373e47;
--stripe:#1b1f25;--s0:#6db3ff;--s1:#ff9a57;--s2:#4fd1a1;--s3:#e08ae0;--s4:#d9c24a;--s5:#b4bdc7}}
body{margin:0 auto;padding:1.5rem;max-width:72rem;background:var(--back);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.8rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.35rem;margin:2.5rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1.1rem;margin:1.75rem 0 .25rem}
p{max-width:46rem;margin:.5rem 0}
.lead{color:var(--soft)}
nav ul{columns:18rem;padding-left:1.2rem}
a{color:var(--s0)}
.wide{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.9rem}
caption,figcaption{text-align:left;color:var(--soft);font-size:.9rem;max-width:46rem}
caption{padding-bottom:.4rem}
th,td{padding:.25rem .55rem;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
th{vertical-align:bottom;font-weight:600}
th.group{text-align:center}
tbody tr:nth-child(even){background:var(--stripe)}
tr.total td{font-weight:600;border-top:2px solid var(--line)}
.num{text-align:right;font-variant-numeric:tabular-nums}
.theirs{color:var(--soft)}
figure{margin:1.25rem 0}
.plots{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem}
svg.plot{flex:1 1 26rem;min-width:0;height:auto}
svg text{fill:var(--text);font:12px system-ui,sans-serif}
svg .soft{fill:var(--soft)}
svg .title{font-weight:600}
svg .mid{text-anchor:middle}
svg .end{text-anchor:end}
svg .grid{stroke:var(--line);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1}
svg .line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
svg .dash{stroke-dasharray:6 4}
svg .fill{fill:var(--c)}
svg .mark{stroke:var(--back);stroke-width:.6}
.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}.s4{--c:var(--s4)}.s5{--c:var(--s5)}
@media print{body{max-width:none;padding:0}figure,tr{break-inside:avoid}}
)css";
}

}  // namespace dcf::tools::html
