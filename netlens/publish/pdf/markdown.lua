-- Markdown to Typst, one text at a time. Reads a JSON list of texts, writes a JSON list of {typst, problems, title}.
-- Run by: pandoc lua markdown.lua

local READER = "markdown-markdown_in_html_blocks-yaml_metadata_block-citations-implicit_figures"
  .. "+autolink_bare_uris+lists_without_preceding_blankline-blank_before_header-blank_before_blockquote"
local VERDICTS = { pass = true, warn = true, fail = true, ["not-shown"] = true }
local CALLOUTS = { note = true, tip = true, warning = true, caution = true, important = true }

local function quoted(text)
  text = text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%s+", " ")
  return '"' .. text .. '"'
end

local function typst(blocks)
  return (pandoc.write(pandoc.Pandoc(blocks), "typst"):gsub("%s+$", ""))
end

local filter = {}

-- A formula is read aloud as its TeX source.
function filter.Math(element)
  local set = typst({ pandoc.Plain({ element }) })
  return pandoc.RawInline("typst", "#[#set math.equation(alt: " .. quoted(element.text) .. ");" .. set .. "]")
end

function filter.Image(element)
  local alt = pandoc.utils.stringify(element.caption)
  if alt == "" then alt = element.attributes.alt or "" end
  return pandoc.RawInline("typst", "#inline-picture(" .. quoted(element.src) .. ", " .. quoted(alt) .. ")")
end

-- A link to another page of the site leads nowhere on paper.
function filter.Link(element)
  if element.target:match("^https?:") or element.target:match("^mailto:") then return nil end
  return element.content
end

function filter.Span(element)
  for _, class in ipairs(element.classes) do
    if VERDICTS[class] then
      return pandoc.RawInline("typst", "#verdict(" .. quoted(pandoc.utils.stringify(element)) .. ")")
    end
  end
  return element.content
end

function filter.Div(element)
  for _, class in ipairs(element.classes) do
    if CALLOUTS[class] then
      local blocks = pandoc.List({ pandoc.RawBlock("typst", "#callout(" .. quoted(class) .. ")[") })
      blocks:extend(element.content)
      blocks:insert(pandoc.RawBlock("typst", "]"))
      return blocks
    end
  end
  return element.content
end

function filter.RawInline(element)
  if element.format:match("html") then
    if element.text:match("^<br") then return pandoc.LineBreak() end
    if element.text:match("^<img") then
      return pandoc.utils.blocks_to_inlines(pandoc.read(element.text, "html").blocks)
    end
  end
end

function filter.RawBlock(element)
  if element.format:match("html") then return pandoc.read(element.text, "html").blocks end
end

local function convert(text)
  local problems = {}
  local function note(messages)
    for _, message in ipairs(messages) do
      local said = tostring(message.type)
      if said:match("^Could not convert TeX math") then table.insert(problems, said) end
    end
  end
  local messages, result = pandoc.log.silence(function()
    local raw = pandoc.read(text, READER):walk({ RawInline = filter.RawInline, RawBlock = filter.RawBlock })
    local title = nil
    for _, block in ipairs(raw.blocks) do
      if block.t == "Header" and block.level == 1 then title = pandoc.utils.stringify(block) break end
    end
    local document = raw:walk({ Math = filter.Math, Image = filter.Image, Link = filter.Link, Span = filter.Span, Div = filter.Div })
    return { typst = pandoc.write(document, "typst"), title = title }
  end)
  note(messages)
  return { typst = result.typst, title = result.title, problems = problems }
end

local answers = {}
for index, text in ipairs(pandoc.json.decode(io.read("a"))) do answers[index] = convert(text) end
io.write(#answers == 0 and "[]" or pandoc.json.encode(answers))
