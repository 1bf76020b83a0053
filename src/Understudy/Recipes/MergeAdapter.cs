using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Writes a whole model from an adapter and its base.</summary>
public static class MergeAdapter
{
    // What a model folder holds beside weights, configuration and tokenizer.json.
    private static readonly string[] Beside =
        ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"];

    private static readonly string[] TokenizerFiles = ["tokenizer.json", "vocab.json", "vocab.txt"];

    /// <summary>Merges and saves. The base and the adapter stay as they are.</summary>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="adapterBase">The folder of its base.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="device">Where it is computed.</param>
    /// <returns>How many layers were changed.</returns>
    /// <exception cref="InvalidDataException">The output is there already, or the adapter is damaged or does not fit its base.</exception>
    public static int Run(string folder, string adapterBase, string output, Device device)
    {
        if (Directory.Exists(output) ? Directory.EnumerateFileSystemEntries(output).Any() : File.Exists(output))
        {
            throw new InvalidDataException($"{output} is there already. Choose another folder, so that nothing of yours is overwritten.");
        }

        var config = AdapterFolder.ReadConfig(folder);
        if (config.TaskType == "SEQ_CLS")
        {
            using var student = StudentModel.Load(folder, device, adapterBase, StoredType(adapterBase));
            student.Merge();
            Save(student.Model, student.Source, output);
            return LoraTargets.Of(config, student.Model).Adapted.Count;
        }

        using var model = AutoModel.Load(adapterBase, new LoadOptions { Device = device, DType = null });
        using var lora = new LoraModel(model);
        var layers = lora.Load(folder).LayerNames.Count;
        lora.Merge();
        Save(model, adapterBase, output);
        return layers;
    }

    private static void Save(IPretrainedModel model, string source, string output)
    {
        Directory.CreateDirectory(output);
        foreach (var name in Beside.Where(name => File.Exists(Path.Combine(source, name))))
        {
            File.Copy(Path.Combine(source, name), Path.Combine(output, name));
        }

        PretrainedFolder.Save(model, output, HasTokenizer(source) ? Tokenizer.FromFolder(source) : null);
    }

    // The base's own, so that merging does not double a folder's size.
    private static ScalarType StoredType(string folder)
    {
        var json = ConfigJson.Read(folder);
        return json.String("dtype", json.String("torch_dtype", "float32")) switch
        {
            "bfloat16" => ScalarType.BFloat16,
            "float16" => ScalarType.Float16,
            _ => ScalarType.Float32,
        };
    }

    private static bool HasTokenizer(string folder) => TokenizerFiles.Any(name => File.Exists(Path.Combine(folder, name)));
}
