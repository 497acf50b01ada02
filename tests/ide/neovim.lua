-- Neovim's own client against `runai-step lsp`. Writes what it saw as JSON, for crates/runai-cli/tests/it/neovim.rs.
local program, folder, result = vim.env.RUNAI_STEP, vim.env.FOLDER, vim.env.RESULT
local seen = {}

local function diagnostics()
  return vim.tbl_map(function(found)
    return found.code or found.user_data.lsp.code
  end, vim.diagnostic.get(0))
end

local function wait_for(codes)
  local wanted = vim.inspect(codes)
  vim.wait(10000, function()
    return vim.inspect(diagnostics()) == wanted
  end, 20)
  return diagnostics()
end

local function request(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, 10000) or {}
  for _, answer in pairs(answers) do
    return answer.result
  end
end

local function run()
  local client = vim.lsp.start_client({ name = "runai-step", cmd = { program, "lsp" }, root_dir = folder })
  vim.cmd("edit " .. folder .. "/a.runai.yaml")
  vim.lsp.buf_attach_client(0, client)
  seen.diagnostics = wait_for({ "unknown-key" })

  vim.api.nvim_win_set_cursor(0, { 4, 4 })
  local params = vim.lsp.util.make_range_params()
  params.context = { diagnostics = {} }
  local action = request("textDocument/codeAction", params)[1]
  seen.action = action.title
  vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
  seen.fixed = vim.api.nvim_buf_get_lines(0, 3, 4, false)[1]
  seen.after_fix = wait_for({})

  vim.api.nvim_buf_set_lines(0, 4, 4, false, { "  gpu_request_type: " })
  vim.api.nvim_win_set_cursor(0, { 5, 20 })
  local position = vim.lsp.util.make_position_params()
  position.position.character = 20
  seen.completions = vim.tbl_map(function(item)
    return item.label
  end, request("textDocument/completion", position).items)
  vim.api.nvim_buf_set_lines(0, 4, 5, false, {})

  vim.api.nvim_win_set_cursor(0, { 4, 4 })
  seen.hover = request("textDocument/hover", vim.lsp.util.make_position_params()).contents.value

  vim.api.nvim_buf_set_lines(0, 4, 4, false, { "  labels: &all {a: b}", "  annotations: *all" })
  vim.api.nvim_win_set_cursor(0, { 6, 17 })
  local rename = vim.lsp.util.make_position_params()
  rename.newName = "shared"
  vim.lsp.util.apply_workspace_edit(request("textDocument/rename", rename), "utf-16")
  seen.renamed = vim.api.nvim_buf_get_lines(0, 4, 6, false)

  vim.fn.writefile({ "gpu_devices_request = 'two'" }, folder .. "/runai-step.toml")
  seen.after_operator = wait_for({ "operator-file" })
end

local ok, problem = pcall(run)
if not ok then
  seen.problem = tostring(problem)
end
vim.fn.writefile({ vim.fn.json_encode(seen) }, result)
vim.cmd("qall!")
