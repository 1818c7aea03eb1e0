/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - the syntax of one source file as a compact tree: what the grammar says, without punctuation and comments.
 * Any bytes give a tree. Nodes are indices into one array; 0 is "none", 1 the root. */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of nodes of the grammars (the second list: C's beside those of the first); the names are the grammars' own. */
#define TREE_KINDS(X) \
	X(module) X(expression_statement) X(assignment) X(augmented_assignment) X(named_expression) \
	X(function_definition) X(lambda) X(class_definition) X(decorated_definition) X(decorator) X(block) \
	X(if_statement) X(elif_clause) X(else_clause) X(for_statement) X(while_statement) X(try_statement) \
	X(except_clause) X(except_group_clause) X(finally_clause) X(with_statement) X(with_clause) X(with_item) \
	X(match_statement) X(case_clause) X(case_pattern) X(if_clause) X(return_statement) X(raise_statement) \
	X(assert_statement) X(delete_statement) X(global_statement) X(nonlocal_statement) X(import_statement) \
	X(import_from_statement) X(future_import_statement) X(pass_statement) X(break_statement) \
	X(continue_statement) X(exec_statement) X(print_statement) X(type_alias_statement) X(call) X(attribute) \
	X(subscript) X(identifier) X(string) X(string_start) X(string_content) X(string_end) X(interpolation) \
	X(concatenated_string) X(escape_sequence) X(integer) X(float) X(true) X(false) X(none) X(list) X(tuple) X(set) \
	X(dictionary) X(pair) X(dictionary_splat) X(list_splat) X(list_comprehension) X(dictionary_comprehension) \
	X(set_comprehension) X(generator_expression) X(for_in_clause) X(parenthesized_expression) \
	X(conditional_expression) X(boolean_operator) X(not_operator) X(binary_operator) X(unary_operator) \
	X(comparison_operator) X(await) X(yield) X(keyword_argument) X(slice) X(ellipsis) X(pattern_list) \
	X(tuple_pattern) X(list_pattern) X(list_splat_pattern) X(dictionary_splat_pattern) X(expression_list) \
	X(as_pattern) X(as_pattern_target) X(parameters) X(lambda_parameters) X(default_parameter) X(typed_parameter) \
	X(typed_default_parameter) X(keyword_separator) X(positional_separator) X(argument_list) X(dotted_name) \
	X(aliased_import) X(relative_import) X(import_prefix) X(wildcard_import) X(type) X(class_pattern) \
	X(dict_pattern) X(keyword_pattern) X(splat_pattern) X(union_pattern) X(complex_pattern) X(generic_type) \
	X(union_type) X(type_parameter) X(chevron) X(ERROR) \
	X(translation_unit) X(declaration) X(function_declarator) X(pointer_declarator) X(parenthesized_declarator) \
	X(array_declarator) X(attributed_declarator) X(init_declarator) X(parameter_list) X(parameter_declaration) \
	X(storage_class_specifier) X(compound_statement) X(call_expression) X(field_expression) X(subscript_expression) \
	X(pointer_expression) X(cast_expression) X(assignment_expression) X(binary_expression) X(unary_expression) \
	X(do_statement) X(number_literal) X(string_literal) X(type_identifier) X(preproc_def) X(preproc_function_def) \
	X(preproc_params) X(preproc_arg) X(preproc_if) X(preproc_ifdef) X(preproc_elif) X(preproc_elifdef) \
	X(preproc_else) X(preproc_defined) X(preproc_include) X(sizeof_expression)

enum tree_kind {
	K_NONE, K_TOKEN, K_OTHER,
#define X(name) K_##name,
	TREE_KINDS(X)
#undef X
	K_COUNT
};

#define TREE_FIELDS(X) \
	X(name) X(value) X(left) X(right) X(operator) X(operators) X(type) X(object) X(attribute) X(function) X(arguments) \
	X(body) X(condition) X(consequence) X(alternative) X(parameters) X(return_type) X(superclasses) X(definition) \
	X(subject) X(guard) X(module_name) X(alias) X(key) X(subscript) X(argument) X(cause) X(pattern) \
	X(declarator) X(path) X(index) X(initializer) X(update)

enum tree_field {
	F_NONE,
#define X(name) F_##name,
	TREE_FIELDS(X)
#undef X
	F_COUNT
};

struct tree_node {
	uint16_t kind;
	uint8_t field, missing;
	uint32_t start, end; /* bytes of the source */
	uint32_t line, end_line; /* 1-based */
	uint32_t first, next;
};

struct tree {
	struct tree_node *nodes;
	uint32_t count, cap;
	uint32_t lines;
	bool has_errors;
};

/* What is deeper than this is left out, and counts as a syntax error. */
#define TREE_DEPTH_MAX 400

/* Is the grammar of a language built in? */
bool tree_has_language(const char *language);
/* Parses text[0..n). Returns 0, or -1 where the language is not built in. Safe to call on several threads. */
int tree_parse(const char *language, const char *text, size_t n, struct tree *t);
void tree_free_nodes(struct tree *t);
/* What a tree depends on besides its source: version, grammar, kinds, bounds. */
void tree_identity(const char *language, struct str *out);

#endif
