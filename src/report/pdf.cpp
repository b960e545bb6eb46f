#include <algorithm>
#include <map>
#include <memory>

#include "report/document.h"
#include "report/pango.h"

namespace keyturn::report {
namespace {

// A4 in points.
constexpr double kWidth = 595.276, kHeight = 841.89, kMargin = 48, kBottom = 56;
constexpr double kText = kWidth - 2 * kMargin;
constexpr double kGap = 6;  // between two columns
constexpr const char* kBody = "DejaVu Sans 8.5";
constexpr const char* kSmall = "DejaVu Sans 7";
constexpr const char* kSmallBold = "DejaVu Sans Bold 7";
constexpr const char* kMono = "DejaVu Sans Mono 6.6";

struct Style {
  const char* font = kBody;
  PangoAlignment align = PANGO_ALIGN_LEFT;
  double grey = 0.1;
};

class Layout {
 public:
  Layout(const Pango& p, cairo_t* cairo, const std::string& text, double width, const Style& style)
      : p_(p), cairo_(cairo), layout_(p.pango_cairo_create_layout(cairo)), grey_(style.grey) {
    PangoFontDescription* const font = p_.pango_font_description_from_string(style.font);
    p_.pango_layout_set_font_description(layout_, font);
    p_.pango_font_description_free(font);
    p_.pango_layout_set_text(layout_, text.c_str(), static_cast<int>(text.size()));
    if (width > 0) p_.pango_layout_set_width(layout_, static_cast<int>(width * PANGO_SCALE));
    p_.pango_layout_set_wrap(layout_, PANGO_WRAP_WORD_CHAR);
    p_.pango_layout_set_alignment(layout_, style.align);
    PangoAttrList* const attributes = p_.pango_attr_list_new();  // a broken digest gets no hyphen
    p_.pango_attr_list_insert(attributes, p_.pango_attr_insert_hyphens_new(FALSE));
    p_.pango_layout_set_attributes(layout_, attributes);
    p_.pango_attr_list_unref(attributes);
  }
  ~Layout() { p_.g_object_unref(layout_); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  double height() const { return size().second; }
  double width() const { return size().first; }
  void show(double x, double y) const {
    p_.cairo_set_source_rgb(cairo_, grey_, grey_, grey_ + 0.06);
    p_.cairo_move_to(cairo_, x, y);
    p_.pango_cairo_show_layout(cairo_, layout_);
  }

 private:
  std::pair<double, double> size() const {
    int width = 0, height = 0;
    p_.pango_layout_get_pixel_size(layout_, &width, &height);
    return {width, height};
  }
  const Pango& p_;
  cairo_t* cairo_;
  PangoLayout* layout_;
  double grey_;
};

class PdfCanvas final : public Canvas {
 public:
  PdfCanvas(const Pango& p, cairo_t* cairo) : p_(p), cairo_(cairo) {}
  void rectangle(double x, double y, double width, double height) override {
    p_.cairo_set_source_rgb(cairo_, 0.184, 0.431, 0.647);
    p_.cairo_rectangle(cairo_, x, y, width, height);
    p_.cairo_fill(cairo_);
  }
  void line(double x1, double y1, double x2, double y2) override {
    p_.cairo_set_source_rgb(cairo_, 0.86, 0.88, 0.91);
    p_.cairo_set_line_width(cairo_, 0.8);
    p_.cairo_move_to(cairo_, x1, y1);
    p_.cairo_line_to(cairo_, x2, y2);
    p_.cairo_stroke(cairo_);
  }
  void text(double x, double y, Anchor anchor, Ink ink, const std::string& words) override {
    const Layout layout(p_, cairo_, words, 0,
                        {.font = "DejaVu Sans 8", .grey = ink == Ink::kFaint ? 0.42 : 0.1});
    const double shift = anchor == Anchor::kStart    ? 0
                         : anchor == Anchor::kMiddle ? layout.width() / 2
                                                     : layout.width();
    layout.show(x - shift, y - layout.height() * 0.78);
  }

 private:
  const Pango& p_;
  cairo_t* cairo_;
};

using Pages = std::map<std::string, int>;  // id of a heading -> its page

// One way through the document. Drawn twice: the first tells the pages of the contents.
class Press {
 public:
  Press(const Pango& p, const Document& document, const Pages& pages)
      : p_(p), document_(document), pages_(pages) {
    surface_ = p_.cairo_pdf_surface_create_for_stream(write, &out_, kWidth, kHeight);
    metadata();
    cairo_ = p_.cairo_create(surface_);
  }
  ~Press() {
    p_.cairo_destroy(cairo_);
    p_.cairo_surface_destroy(surface_);
  }
  Press(const Press&) = delete;
  Press& operator=(const Press&) = delete;

  Result<std::string> print() {
    title();
    contents();
    for (const Block& block : document_.blocks) std::visit(*this, block);
    end_page();
    p_.cairo_surface_finish(surface_);
    if (p_.cairo_surface_status(surface_) != CAIRO_STATUS_SUCCESS)
      return refuse("cannot_draw", "the PDF cannot be drawn");
    return std::move(out_);
  }
  const Pages& found() const { return found_; }

  void operator()(const Heading& heading);
  void operator()(const Paragraph& paragraph);
  void operator()(const Table& table);
  void operator()(const Plot& plot);

 private:
  static cairo_status_t write(void* to, const unsigned char* bytes, unsigned int size) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), size);
    return CAIRO_STATUS_SUCCESS;
  }
  void metadata() {
    p_.cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_TITLE, document_.title.c_str());
    p_.cairo_pdf_surface_set_metadata(surface_, CAIRO_PDF_METADATA_CREATE_DATE,
                                      document_.made_at.c_str());
  }
  void title();
  void contents();
  void end_page();
  void next_page() {
    end_page();
    y_ = kMargin;
  }
  void need(double height) {
    if (y_ + height > kHeight - kBottom && y_ > kMargin) next_page();
  }
  void rule(double y, double grey, double width) {
    p_.cairo_set_source_rgb(cairo_, grey, grey + 0.02, grey + 0.05);
    p_.cairo_set_line_width(cairo_, width);
    p_.cairo_move_to(cairo_, kMargin, y);
    p_.cairo_line_to(cairo_, kWidth - kMargin, y);
    p_.cairo_stroke(cairo_);
  }
  double column(const Table& table, std::size_t i) const {
    double all = 0;
    for (const double width : table.widths) all += width;
    return kText * table.widths[i] / all;
  }
  using Layouts = std::vector<std::unique_ptr<Layout>>;
  Layouts row_of(const Table& table, const std::vector<Cell>& cells, bool head);
  double height_of(const Layouts& row) const;
  void show_row(const Table& table, const Layouts& row);
  void show_head(const Table& table);

  const Pango& p_;
  const Document& document_;
  const Pages& pages_;
  Pages found_;
  std::string out_;
  cairo_surface_t* surface_ = nullptr;
  cairo_t* cairo_ = nullptr;
  double y_ = kMargin;
  int page_ = 1;
  int outline_ = CAIRO_PDF_OUTLINE_ROOT;
};

void Press::title() {
  y_ = 150;
  const Layout title(p_, cairo_, document_.title, kText, {.font = "DejaVu Sans Bold 24"});
  title.show(kMargin, y_);
  y_ += title.height() + 10;
  const Layout subtitle(p_, cairo_, document_.subtitle, kText,
                        {.font = "DejaVu Sans 10", .grey = 0.35});
  subtitle.show(kMargin, y_);
  y_ += subtitle.height() + 40;
}

void Press::contents() {
  const Layout head(p_, cairo_, "Contents", kText, {.font = "DejaVu Sans Bold 12"});
  head.show(kMargin, y_);
  y_ += head.height() + 8;
  for (const Block& block : document_.blocks) {
    const auto* heading = std::get_if<Heading>(&block);
    if (heading == nullptr || heading->level > 1) continue;
    const auto page = pages_.find(heading->id);
    const std::string link = "dest='" + heading->id + "'";
    if (page != pages_.end()) p_.cairo_tag_begin(cairo_, CAIRO_TAG_LINK, link.c_str());
    const Layout name(p_, cairo_, heading->text, kText - 40, {.font = "DejaVu Sans 10"});
    name.show(kMargin, y_);
    if (page != pages_.end()) p_.cairo_tag_end(cairo_, CAIRO_TAG_LINK);
    const Layout number(p_, cairo_, std::to_string(page == pages_.end() ? 0 : page->second), 40,
                        {.font = "DejaVu Sans 10", .align = PANGO_ALIGN_RIGHT});
    number.show(kWidth - kMargin - 40, y_);
    y_ += name.height() + 5;
  }
  next_page();
}

void Press::end_page() {
  rule(kHeight - 42, 0.8, 0.5);
  const Layout left(p_, cairo_, document_.footer, kText - 60, {.font = kSmall, .grey = 0.4});
  left.show(kMargin, kHeight - 36);
  const Layout number(p_, cairo_, std::to_string(page_), 60,
                      {.font = kSmall, .align = PANGO_ALIGN_RIGHT, .grey = 0.4});
  number.show(kWidth - kMargin - 60, kHeight - 36);
  p_.cairo_show_page(cairo_);
  ++page_;
}

void Press::operator()(const Heading& heading) {
  const bool chapter = heading.level == 1;
  const Layout text(p_, cairo_, heading.text, kText,
                    {.font = chapter ? "DejaVu Sans Bold 14" : "DejaVu Sans Bold 10"});
  y_ += y_ > kMargin ? (chapter ? 20 : 12) : 0;
  need(text.height() + (chapter ? 120 : 80));
  found_[heading.id] = page_;
  const std::string dest = "name='" + heading.id + "'";
  p_.cairo_tag_begin(cairo_, CAIRO_TAG_DEST, dest.c_str());
  text.show(kMargin, y_);
  p_.cairo_tag_end(cairo_, CAIRO_TAG_DEST);
  const std::string target = "dest='" + heading.id + "'";
  const int parent = chapter ? CAIRO_PDF_OUTLINE_ROOT : outline_;
  const int made = p_.cairo_pdf_surface_add_outline(surface_, parent, heading.text.c_str(),
                                                    target.c_str(), CAIRO_PDF_OUTLINE_FLAG_OPEN);
  if (chapter) outline_ = made;
  y_ += text.height() + 2;
  if (chapter) rule(y_, 0.3, 1.2);
  y_ += chapter ? 8 : 3;
}

void Press::operator()(const Paragraph& paragraph) {
  const Layout text(p_, cairo_, paragraph.text, kText, {});
  need(text.height());
  text.show(kMargin, y_);
  y_ += text.height() + 6;
}

void Press::operator()(const Plot& plot) {
  const double scale = std::min(1.0, kText / kPlotWidth);
  const double height = plot_height(plot) * scale;
  const Layout title(p_, cairo_, plot.title, kText, {.font = "DejaVu Sans Bold 8.5"});
  need(title.height() + height + 16);
  title.show(kMargin, y_ + 4);
  y_ += title.height() + 8;
  p_.cairo_save(cairo_);
  p_.cairo_translate(cairo_, kMargin, y_);
  p_.cairo_scale(cairo_, scale, scale);
  PdfCanvas canvas(p_, cairo_);
  draw(plot, canvas);
  p_.cairo_restore(cairo_);
  y_ += height + 10;
}

Press::Layouts Press::row_of(const Table& table, const std::vector<Cell>& cells, bool head) {
  Layouts out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool name = head || (table.head.empty() && i == 0);
    const bool right = i < table.right.size() && table.right[i];
    out.push_back(
        std::make_unique<Layout>(p_, cairo_, cells[i].text, column(table, i) - kGap,
                                 Style{.font = name            ? kSmallBold
                                               : cells[i].mono ? kMono
                                                               : kSmall,
                                       .align = right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT}));
  }
  return out;
}

double Press::height_of(const Layouts& row) const {
  double out = 0;
  for (const auto& cell : row) out = std::max(out, cell->height());
  return out + 5;
}

void Press::show_row(const Table& table, const Layouts& row) {
  double x = kMargin;
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i]->show(x, y_ + 2);
    x += column(table, i);
  }
  y_ += height_of(row);
  rule(y_, 0.86, 0.4);
}

void Press::show_head(const Table& table) {
  if (table.head.empty()) return;
  std::vector<Cell> cells;
  for (const std::string& text : table.head) cells.push_back({text});
  const Layouts row = row_of(table, cells, true);
  show_row(table, row);
  rule(y_, 0.5, 0.8);
}

void Press::operator()(const Table& table) {
  need(50);
  y_ += 2;
  show_head(table);
  for (const Row& row : table.rows) {
    const Layouts cells = row_of(table, row.cells, false);
    if (y_ + height_of(cells) > kHeight - kBottom && y_ > kMargin + 40) {
      next_page();
      show_head(table);
    }
    show_row(table, cells);
  }
  y_ += 10;
}

}  // namespace

Result<std::string> to_pdf(const Document& document) {
  const Result<const Pango*> p = pango();
  if (!p) return std::unexpected(p.error());
  Pages pages;
  {
    Press first(**p, document, pages);
    if (const auto drawn = first.print(); !drawn) return drawn;
    pages = first.found();
  }
  return Press(**p, document, pages).print();
}

}  // namespace keyturn::report
