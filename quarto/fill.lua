-- Turns the document's marks into the placeholders and the control flow that Jinja fills, for Quarto and for pandoc alike.
--
--   [level.theta]{.v}              a value
--   [Well done.]{if="change.up"}   words that stand only where the condition holds
--   ::: {if="level"}               blocks that stand only where the condition holds
--   ::: {each="t in topics"}       blocks once per element; of a table alone in it, the body's rows once per element
--
-- Control flow stands in comments of the output format: Quarto reads its HTML again as a browser would, and comments are
-- what survives that everywhere. HTML keeps classes for the style sheet; for Typst they become calls of theme/page.typ's
-- `part` and `phrase`.

local html = FORMAT:match('html') ~= nil
local format = html and 'html' or FORMAT
local opening, closing = '<!--% ', ' %-->'
if not html then opening, closing = '/*% ', ' %*/' end

local function control(words) return opening .. words .. closing end

local function flow(attributes)
  if attributes['each'] then return control('for ' .. attributes['each']), control('endfor') end
  if attributes['if'] then return control('if ' .. attributes['if']), control('endif') end
end

-- `content` between two pieces of the output format.
local function wrapped(raw, open, content, close)
  local whole = pandoc.List{raw(format, open)}
  whole:extend(content)
  whole:insert(raw(format, close))
  return whole
end

-- Where a table's rows stand in its text.
local bodies = {'^(.-<tbody[^>]*>)(.*)(</tbody>.*)$'}
if not html then bodies = {'^(.-table%.hline%(%),)(.*)(%))$', '^(.-align: %b(),)(.*)(%))$'} end

-- Tables are written here: a loop around a whole one would repeat its head, and Typst's lose the figure that pandoc puts
-- around them, which does not break across pages, and take the widths of page.typ.
function Table(table)
  local text = pandoc.write(pandoc.Pandoc({table}), format, {wrap_text = 'none'})
  if not html then
    text = '#' .. text:match('#(table%(.*%))%]')
    text = text:gsub('columns: [^\n]*', 'columns: widths(' .. #table.colspecs .. '),', 1)
    text = text:gsub('table%.header(%b())', 'table.header(..heads%1)', 1)
  end
  return pandoc.RawBlock(format, text)
end

local function rows(text, open, close)
  for _, pattern in ipairs(bodies) do
    local before, inside, after = text:match(pattern)
    if inside then return pandoc.RawBlock(format, before .. open .. inside .. close .. after) end
  end
end

local function styled(raw, call, element)
  local content = element.content
  for _, class in ipairs(html and {} or element.classes) do
    content = wrapped(raw, '#' .. call .. '("' .. class .. '")[', content, ']')
  end
  return content
end

function Span(span)
  if span.classes:includes('v') then
    return pandoc.RawInline(format, '{{ ' .. pandoc.utils.stringify(span) .. ' }}')
  end
  local open, close = flow(span.attributes)
  if open then return wrapped(pandoc.RawInline, open, styled(pandoc.RawInline, 'phrase', span), close) end
  if not html then return styled(pandoc.RawInline, 'phrase', span) end
end

function Div(div)
  local open, close = flow(div.attributes)
  local only = div.attributes['each'] and #div.content == 1 and div.content[1]
  local looped = only and only.t == 'RawBlock' and rows(only.text, open, close)
  if looped then return looped end
  if open then return wrapped(pandoc.RawBlock, open, styled(pandoc.RawBlock, 'part', div), close) end
  if not html then return styled(pandoc.RawBlock, 'part', div) end
end

-- Korean lines break between words: page.typ sees to it but where the style changes inside of one, as in **53**개.
function Inlines(inlines)
  if html then return end
  for i = #inlines - 1, 1, -1 do
    local stem, ending = inlines[i], inlines[i + 1]
    if stem.t == 'Strong' and ending.t == 'Str' and ending.text:match('^[\xEA-\xED]') then
      inlines:insert(i + 2, pandoc.RawInline(format, ']'))
      inlines:insert(i, pandoc.RawInline(format, '#box['))
    end
  end
  return inlines
end

-- Typst needs no labels, and two headings of one text would share one.
function Header(header)
  if not html then header.identifier = '' end
  return header
end

-- The page's frame names these two.
function Meta(meta)
  for _, name in ipairs({'user', 'week'}) do
    meta[name] = meta[name] or pandoc.Inlines{pandoc.RawInline(format, '{{ ' .. name .. ' }}')}
  end
  return meta
end
