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

-- A loop around a whole table would repeat its head: the table is written here, and the loop goes around its body's rows.
local function rows(table, open, close)
  local text = pandoc.write(pandoc.Pandoc({table}), format, {wrap_text = 'none'})
  local body = {'^(.-<tbody[^>]*>)(.*)(</tbody>.*)$'}
  if not html then -- without the figure, which would not break across pages, and with page.typ's widths
    body = {'^(.-table%.hline%(%),)(.*)(%))$', '^(.-align: %b(),)(.*)(%))$'}
    text = '#' .. text:match('#(table%(.*%))%]')
    text = text:gsub('columns: [^\n]*', 'columns: widths(' .. #table.colspecs .. '),', 1)
    text = text:gsub('table%.header(%b())', 'table.header(..heads%1)', 1)
  end
  for _, pattern in ipairs(body) do
    local before, inside, after = text:match(pattern)
    if inside then return pandoc.RawBlock(format, before .. open .. inside .. close .. after) end
  end
  error('fill.lua: no rows to repeat in this table:\n' .. text)
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
  if div.attributes['each'] and #div.content == 1 and div.content[1].t == 'Table' then
    return rows(div.content[1], open, close)
  end
  if open then return wrapped(pandoc.RawBlock, open, styled(pandoc.RawBlock, 'part', div), close) end
  if not html then return styled(pandoc.RawBlock, 'part', div) end
end

-- Korean lines break between words: an ending keeps to the value before it, as in 53개.
function Inlines(inlines)
  if html then return end
  local kept = pandoc.List{}
  for i, inline in ipairs(inlines) do
    local before = inlines[i - 1]
    local value = before and (before.t == 'Strong' or before.t == 'RawInline' and before.text:match('^{{'))
    if value and inline.t == 'Str' and inline.text:match('^[\xEA-\xED]') then
      kept:insert(pandoc.RawInline(format, '#sym.wj;'))
    end
    kept:insert(inline)
  end
  return kept
end

-- Typst needs no labels, and two headings of one text would share one.
function Header(header)
  if not html then header.identifier = '' end
  return header
end
