using System.Reflection;

namespace Understudy.Runs;

/// <summary>The type of a value in a run file, without its nullability, which stands beside it.</summary>
internal sealed class ValueShape
{
    public ValueShape(NullabilityInfo nullability, PathUse path)
    {
        var declared = nullability.Type;
        Type = Nullable.GetUnderlyingType(declared) ?? declared;
        AllowsNull = nullability.WriteState == NullabilityState.Nullable;
        Path = path;
        if (OptionSchema.IsList(Type, out _))
            Element = new ValueShape(nullability.GenericTypeArguments[0], path);
        else if (OptionSchema.IsMap(Type, out _))
            Element = new ValueShape(nullability.GenericTypeArguments[1], path);
    }

    public Type Type { get; }

    public bool AllowsNull { get; }

    /// <summary>Whether it is a path, or a list of them, and what for.</summary>
    public PathUse Path { get; }

    /// <summary>What the values of a list or map look like.</summary>
    public ValueShape? Element { get; }

    public bool IsMap => Element is not null && OptionSchema.IsMap(Type, out _);
}

/// <summary>What a path in a run file is for.</summary>
internal enum PathUse
{
    None,
    ReadFile,
    ReadFolder,
    ReadModel,
    Write,
}
