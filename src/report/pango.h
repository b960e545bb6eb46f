// cairo and Pango, opened when they are needed: linked, they would slow every start of the program.
#pragma once

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "base/result.h"

namespace keyturn::report {

// clang-format off
#define KEYTURN_PANGO_FUNCTIONS(X) \
  X(cairo_create) \
  X(cairo_destroy) \
  X(cairo_fill) \
  X(cairo_line_to) \
  X(cairo_move_to) \
  X(cairo_pdf_surface_add_outline) \
  X(cairo_pdf_surface_create_for_stream) \
  X(cairo_pdf_surface_set_metadata) \
  X(cairo_rectangle) \
  X(cairo_restore) \
  X(cairo_save) \
  X(cairo_scale) \
  X(cairo_set_line_width) \
  X(cairo_set_source_rgb) \
  X(cairo_show_page) \
  X(cairo_stroke) \
  X(cairo_surface_destroy) \
  X(cairo_surface_finish) \
  X(cairo_surface_status) \
  X(cairo_tag_begin) \
  X(cairo_tag_end) \
  X(cairo_translate) \
  X(g_object_unref) \
  X(pango_attr_insert_hyphens_new) \
  X(pango_attr_list_insert) \
  X(pango_attr_list_new) \
  X(pango_attr_list_unref) \
  X(pango_cairo_create_layout) \
  X(pango_cairo_show_layout) \
  X(pango_font_description_free) \
  X(pango_font_description_from_string) \
  X(pango_layout_get_pixel_size) \
  X(pango_layout_set_alignment) \
  X(pango_layout_set_attributes) \
  X(pango_layout_set_font_description) \
  X(pango_layout_set_text) \
  X(pango_layout_set_width) \
  X(pango_layout_set_wrap)
// clang-format on

struct Pango {
#define KEYTURN_PANGO_MEMBER(name) decltype(&::name) name = nullptr;
  KEYTURN_PANGO_FUNCTIONS(KEYTURN_PANGO_MEMBER)
#undef KEYTURN_PANGO_MEMBER
};

// Stays open for the life of the process. Code: no_pdf.
[[nodiscard]] Result<const Pango*> pango();

}  // namespace keyturn::report
