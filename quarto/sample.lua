-- Fills the document with a sample learner's week where sample.json lies beside it, so that it previews on its own:
-- `quarto preview`, or pandoc with this filter before fill.lua. The pipeline compiles without sample.json, and then this
-- does nothing. `make preview` writes sample.json anew.

local file = io.open('sample.json')
if not file then return {} end

-- A name that the sample lacks is an error. Empty texts and lists are false in it, as they are to Jinja.
local function strict(value, name)
  if type(value) ~= 'table' then return value end
  for key, inner in pairs(value) do value[key] = strict(inner, name .. '.' .. key) end
  if #value > 0 then return value end -- a list, which may end
  return setmetatable(value, {__index = function(_, key) error('sample.json has no ' .. name .. '.' .. key) end})
end

local sample = strict(pandoc.json.decode(file:read('a'), false), 'sample')
file:close()

-- The document's conditions are also Lua's, but for `!=` and for names such as `level.end`.
local function value(expression, names)
  local code = 'return ' .. expression:gsub('!=', '~='):gsub('%.([%a_][%w_]*)', "['%1']")
  return assert(load(code, expression, 't', names))()
end

-- Text; a picture comes in a form for each format.
local function shown(it)
  if type(it) ~= 'table' then return pandoc.Str(tostring(it or '')) end
  if FORMAT:match('html') then return pandoc.RawInline('html', it.html) end
  return pandoc.RawInline(FORMAT, '#' .. it.typst .. ';')
end

-- Calls `make` with the names of each row: the sample's, the row's own, and Jinja's `loop`.
local function each_row(each, names, make)
  local name, rows = each:match('^(%w+) in (.+)$')
  for i, row in ipairs(value(rows, names) or {}) do
    make(setmetatable({[name] = row, loop = {first = i == 1}}, {__index = names}))
  end
end

local filled

local function repeat_rows(table, each, names)
  local body, rows = table.bodies[1], pandoc.List{}
  each_row(each, names, function(own)
    for _, row in ipairs(body.body) do
      local cells = pandoc.List(row.cells):map(function(cell)
        return pandoc.Cell(filled(pandoc.Blocks(cell.contents), own), cell.alignment, cell.row_span, cell.col_span, cell.attr)
      end)
      rows:insert(pandoc.Row(cells, row.attr))
    end
  end)
  body.body = rows
  table.bodies = {body}
  return table
end

-- Blocks or inlines with their placeholders filled, without those whose condition does not hold.
filled = function(elements, names)
  local filter = {traverse = 'topdown'}

  local function repeated(each, content)
    local whole = pandoc.List{}
    each_row(each, names, function(own) whole:extend(filled(content, own)) end)
    return whole
  end

  function filter.Span(span)
    if span.classes:includes('v') then return shown(value(pandoc.utils.stringify(span), names)), false end
    local condition = span.attributes['if']
    if condition and not value(condition, names) then return {}, false end
    local each = span.attributes['each']
    if each then return repeated(each, span.content), false end
    span.attributes['if'] = nil
    return span
  end

  function filter.Div(div)
    local condition, each = div.attributes['if'], div.attributes['each']
    if condition and not value(condition, names) then return {}, false end
    div.attributes['if'], div.attributes['each'] = nil, nil
    if not each then return div end
    if #div.content == 1 and div.content[1].t == 'Table' then
      return repeat_rows(div.content[1], each, names), false
    end
    div.content = repeated(each, div.content)
    return div, false
  end

  return elements:walk(filter)
end

function Pandoc(document)
  document.blocks = filled(document.blocks, sample)
  document.meta.user, document.meta.week = sample.user, sample.week
  return document
end
