//! Text that a person does not see: comments, styles that hide, white on white.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.hidden-text",
    concepts: &[
        (
            "comment",
            &[
                "<!--|<!-|[//]: #|[comment]: #|/*|//|</|<noscript|<template|<title>|alt=|title=|<meta*|aria-label=|data-",
            ],
        ),
        (
            "invisible-style",
            &[
                "display:none|display: none|visibility:hidden|visibility: hidden|font-size:0|font-size: 0|font-size:1px|font-size: 1px|opacity:0|opacity: 0|color:white|color: white|color:#fff|color: #fff|color:transparent|color: transparent|left:-9999px|left: -9999px|text-indent:-|text-indent: -|aria-hidden|hidden=|class=\"hidden|<span hidden|<div hidden|<p hidden|type=\"hidden|zero-width",
            ],
        ),
        (
            "markup",
            &["<p>|<div*|<td>|</td>|<td*|<html>|<span*|<body>|<li>|</p>|<a href*|</html>|<script*|</table>"],
        ),
    ],
    rules: &[
        Rule::word("hidden.style", &["invisible-style"]),
        Rule::near(
            "hidden.comment-order",
            &["comment", "override|must|reply|assistant|tell-user|answer-order|note-to"],
            24,
        )
        .across(2)
        .firm(),
        Rule::near(
            "hidden.style-order",
            &["invisible-style", "override|must|reply|assistant|tell-user|answer-order|send"],
            40,
        )
        .across(3)
        .firm(),
        Rule::near("hidden.markup-order", &["markup", "override|reply|tell-user|answer-order|must"], 16)
            .across(1)
            .firm(),
    ],
};
